"""Which environment variables are passed on."""

import pytest

from stack.environment import children, own

#: One of each kind that steers a program behind the lab's back.
_STEERING = (
    *(
        "PGHOST",
        "PGOPTIONS",
        "PSQLRC",
        "REDISCLI_AUTH",
        "REDIS_URL",
        "DATABASE_URL",
        "WRITE_POLICY",
        "API_PORT",
    ),
    *("K6_VUS", "BASE_URL", "PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "MALLOC_ARENA_MAX", "RQ_QUEUES"),
    *("GRANIAN_WORKERS", "http_proxy", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *("PIP_USER", "COMPOSE_FILE", "OTEL_PYTHON_CONTEXT", "PROMETHEUS_MULTIPROC_DIR", "PSYCOPG_IMPL", "ENV"),
)


def test_what_steers_is_left_behind() -> None:
    env = dict.fromkeys(_STEERING, "x")
    assert own(env) == {}
    assert "x" not in children(env).values()


def test_a_child_finds_programs_and_nothing_of_the_callers_home() -> None:
    seen = children(
        {"PATH": "/bin", "HOME": "/home/me", "LANG": "tr_TR", "LABCTL_HOME": "/x", "TERM": "xterm"}
    )
    assert seen["PATH"] == "/bin"
    assert seen["HOME"] != "/home/me"
    assert not {"LANG", "LABCTL_HOME", "TERM"} & set(seen)


def test_a_child_that_has_no_path_gets_none_of_ours() -> None:
    assert "PATH" not in children({})


@pytest.mark.parametrize("name", ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY"])
def test_the_engine_is_the_users_choice_and_no_childs_concern(name: str) -> None:
    assert own({name: "x"}) == {name: "x"}
    assert name not in children({name: "x"})


@pytest.mark.parametrize(
    "name", ["LABCTL_HOME", "_LABCTL_COMPLETE", "TERM", "NO_COLOR", "LC_ALL", "XDG_STATE_HOME"]
)
def test_labctl_itself_keeps_what_its_user_set_for_it(name: str) -> None:
    assert own({name: "x"}) == {name: "x"}


def test_the_standard_settings_of_tracing_reach_the_lab() -> None:
    assert children({"OTEL_EXPORTER_OTLP_ENDPOINT": "x"})["OTEL_EXPORTER_OTLP_ENDPOINT"] == "x"


@pytest.mark.parametrize(
    ("columns", "kept"), [("80", True), ("1", False), ("9" * 8, False), ("x", False), ("", False)]
)
def test_a_size_of_the_screen_that_no_screen_has_does_not_count(columns: str, kept: bool) -> None:
    assert ("COLUMNS" in own({"COLUMNS": columns})) == kept
