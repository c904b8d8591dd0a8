"""The main commands in the worst environment. None of it may have an effect."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.terminal import LABCTL, PATIENCE, environment

NAME: Final = "worst"
_FALSE: Final = "raise SystemExit('the wrong package was imported')\n"


@pytest.fixture(scope="module")
def worst(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables and files that steer libpq, psql, redis-cli, k6, Python, the loader, RQ and HTTP clients."""
    place = tmp_path_factory.mktemp("worst")
    home, packages, k6 = place / "home", place / "packages", place / "home/.config/k6"
    for name in ("worker", "service", "stack", "scenarios", "redis", "psycopg", "flask", "rq"):
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").write_text(_FALSE)
    for directory in (k6, home / ".config/loadimpact/k6", home / ".postgresql"):
        directory.mkdir(parents=True)
        (directory / "config.json").write_text('{"vus": 1, "duration": "1h", "noSetup": "x"}')
    (home / ".psqlrc").write_text("\\set AUTOCOMMIT off\n\\pset format html\n\\echo from psqlrc\n")
    (home / ".redisclirc").write_text(":set hints\nnot a command\n")
    (home / ".pgpass").write_text("*:*:*:*:wrong\n")
    (home / ".pg_service.conf").write_text("[wrong]\nhost=192.0.2.1\n")
    (home / ".postgresql/root.crt").write_text("no certificate")
    (home / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    (home / ".pgpass").chmod(0o600)
    steering = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PSQLRC": str(home / ".psqlrc"),
        "PSQL_PAGER": "false",
        "PYTHONPATH": str(packages),
        **dict.fromkeys(("PYTHONWARNINGS", "BATCH_SIZE"), "error"),
        **dict.fromkeys(("PYTHONOPTIMIZE", "PYTHONVERBOSE"), ""),
        "PYTHONIOENCODING": "ascii",
        "PYTHONSTARTUP": str(home / "missing.py"),
        **dict.fromkeys(("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PGSYSCONFDIR"), "/nonexistent"),
        "MALLOC_ARENA_MAX": "1",
        **{f"{name}_proxy": "http://192.0.2.1:1" for name in ("http", "https", "all", "HTTP", "ALL")},
        **{f"{name}_PROXY": "http://192.0.2.1:1" for name in ("HTTP", "HTTPS", "ALL")},
        "NO_PROXY": "nothing.example",
        **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), "/nonexistent/certificates"),
        **dict.fromkeys(("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "COMPOSE_PROJECT_NAME", "RQ_QUEUES"), "1"),
        "REDISCLI_AUTH": "wrong",
        "REDISCLI_RCFILE": str(home / ".redisclirc"),
        "FAKE_TTY": "1",
        "REDIS_URL": "redis://192.0.2.1:1/0",
        "DATABASE_URL": "postgresql://x@192.0.2.1/x",
        "RQ_REDIS_URL": "redis://192.0.2.1:1",
        "GRANIAN_WORKERS": "99",
        "API_PORT": "1",
        "MAX_PENDING": "0",
        "WRITE_POLICY": "write_through",
        "SIMULATE_DB_FAILURE": "true",
        "FAILURE_RATE": "1",
        "K6_VUS": "1",
        "K6_DURATION": "1h",
        "K6_ITERATIONS": "1",
        "K6_OUT": "json=/nonexistent/x",
        "K6_CONFIG": str(k6 / "config.json"),
        "K6_HTTP_DEBUG": "full",
        "K6_THROW": "true",
        "BASE_URL": "http://192.0.2.1",
        "DURATION": "1h",
        "CLIENTS": "500",
        "OTEL_PYTHON_CONTEXT": "nonsense",
        "LC_ALL": "tr_TR.ISO-8859-9",
        "LANG": "C",
        "POSIXLY_CORRECT": "1",
        "PROMETHEUS_MULTIPROC_DIR": "/nonexistent",
        "FLASK_APP": "x",
        "FLASK_DEBUG": "1",
        "PSYCOPG_IMPL": "python",
    }
    return {**_libpq(home), **steering}


def _libpq(home: Path) -> dict[str, str]:
    return {
        "PGHOST": "192.0.2.1",
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGDATABASE": "wrong",
        "PGUSER": "wrong",
        "PGPASSWORD": "wrong",
        "PGPASSFILE": str(home / ".pgpass"),
        "PGSERVICE": "wrong",
        "PGSERVICEFILE": str(home / ".pg_service.conf"),
        "PGREQUIREAUTH": "none",
        "PGOPTIONS": "-c search_path=nowhere",
        "PGSSLMODE": "verify-full",
        "PGGSSENCMODE": "require",
        "PGTARGETSESSIONATTRS": "standby",
        "PGCLIENTENCODING": "SQL_ASCII",
        "PGCHANNELBINDING": "require",
        "PGDATESTYLE": "nonsense",
        "PGTZ": "nonsense/zone",
        "PGGEQO": "nonsense",
        "PGAPPNAME": "wrong",
        "PGCONNECT_TIMEOUT": "0",
        "PGSSLNEGOTIATION": "direct",
        "PGMINPROTOCOLVERSION": "3.9",
        "PGDATA": "/nonexistent",
        "PGLOADBALANCEHOSTS": "nonsense",
        "PGSSLCERTMODE": "require",
    }


class Caller:
    """Calls the installed command in that environment."""

    def __init__(self, home: Path, worst: Mapping[str, str]) -> None:
        self._env = environment(home, **worst)

    def __call__(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [LABCTL, "--name", NAME, *words],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def document(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory, worst: dict[str, str]) -> Iterator[Caller]:
    caller = Caller(tmp_path_factory.mktemp("state"), worst)
    try:
        caller("up", "--runtime", "local")
        yield caller
    finally:
        caller("down")


def test_the_lab_has_its_own_settings(call: Caller) -> None:
    states = call.document("status")["services"]
    assert {seen["state"] for seen in states.values()} == {"running"}
    settings = call.document("config", "show")
    assert settings["write_policy"] == "write_behind"
    assert settings["simulate_db_failure"] is False


def test_products_go_through_the_lab(call: Caller) -> None:
    made = call.document("product", "create", "--title", "Äpfel 日本", "--price", "1.5")
    assert call.document("product", "get", made["id"])["name"] == "Äpfel 日本"
    call.document("queue", "flush")
    assert call.document("product", "list")["products"]


def test_psql_ignores_the_callers_settings(call: Caller) -> None:
    assert "<table" not in call("db", "count")
    assert "from psqlrc" not in call("db", "stats")
    made = call.document("db", "query", "INSERT INTO products VALUES ('mine', 'm', 1, 1) RETURNING id")
    assert "mine" in made["output"]
    assert "mine" in call.document("db", "query", "SELECT id FROM products WHERE id = 'mine'")["output"]
    assert call("exec", "postgres", "--", "psql", "-Atc", "SELECT 'é'") == "é\n"


def test_redis_cli_logs_in_nowhere(call: Caller) -> None:
    assert call("exec", "redis", "--", "redis-cli", "PING") == "PONG\n"
    made = call.document("product", "create")
    assert f"cache:product:{made['id']}" in call.document("cache", "keys")["keys"]


@pytest.mark.slow
@pytest.mark.parametrize("demo", ["coalescing", "data-loss"])
def test_a_demo_ends_as_predicted(call: Caller, demo: str) -> None:
    assert call.document("demo", demo)["outcome"] == "expected"


def test_k6_makes_the_load_that_was_asked_for(call: Caller) -> None:
    asked = ("--duration", "1", "--clients", "2", "--engine", "k6")
    document = call.document("load", "basic", *asked)
    assert document["outcome"] == "expected"


def test_the_machine_is_fit(call: Caller) -> None:
    found = {check["check"]: check["outcome"] for check in call.document("doctor")["checks"]}
    assert found["postgres"] == found["redis"] == "ok"


def test_no_process_of_the_lab_sees_any_of_it(call: Caller, worst: Mapping[str, str]) -> None:
    for service in ("worker", "api", "redis"):
        pid = call.document("status")["services"][service]["pid"]
        seen = dict(
            pair.partition("=")[::2]
            for pair in Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
            if pair
        )
        assert not {name for name, value in seen.items() if worst.get(name) == value}
        foreign = {name for name in seen if name.startswith(("PG", "LD_", "K6_", "REDISCLI"))}
        assert foreign <= {"PGCLIENTENCODING"}


def test_nothing_was_written_into_the_home(call: Caller, worst: Mapping[str, str]) -> None:
    left = {path.name for path in Path(worst["HOME"]).iterdir()}
    put = {".config", ".psqlrc", ".redisclirc", ".pgpass", ".pg_service.conf", ".postgresql", ".netrc"}
    assert left == put
    assert [path.name for path in Path(worst["HOME"], ".config/k6").iterdir()] == ["config.json"]
