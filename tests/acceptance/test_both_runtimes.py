"""Every command does the same on either runtime, and its document has the same shape."""

import io
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from labctl.__main__ import run
from labctl.cli.context import Invocation

#: Run one after the other on one lab; `ID` is the product that the first one created.
_SESSION: Final[tuple[tuple[str, ...], ...]] = (
    ("product", "create", "--title", "Both", "--price", "9.99", "--quantity", "3"),
    ("status",),
    ("urls",),
    ("doctor",),
    ("top",),
    ("product", "get", "ID"),
    ("product", "update", "ID", "--price", "8"),
    ("product", "list"),
    ("queue", "flush"),
    ("queue", "show"),
    ("dlq", "list"),
    ("dlq", "requeue"),
    ("config", "show"),
    ("config", "set", "COALESCING_WINDOW_MS=400"),
    ("db", "count"),
    ("db", "recent", "--limit", "1"),
    ("db", "stats"),
    ("db", "query", "SELECT 1 AS one"),
    ("cache", "get", "ID"),
    ("cache", "keys"),
    ("worker", "stop"),
    ("worker", "start"),
    ("worker", "restart", "--set", "BATCH_SIZE=50"),
    ("worker", "kill"),
    ("up",),
    ("fault", "pause", "api"),
    ("fault", "resume", "api"),
    ("fault", "kill", "redis"),
    ("fault", "start", "redis"),
    ("fault", "stop", "api"),
    ("up",),
    ("fault", "flushall"),
    ("product", "delete", "ID"),
    ("demo", "coalescing"),
    ("load", "quick"),
    ("load", "coalescing", "--engine", "k6", "--duration", "1"),
    ("report",),
)


@dataclass(slots=True)
class _Cli:
    """labctl, in this process, for one lab."""

    kind: str
    name: str
    documents: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *words: str, exit_code: int = 0) -> str:
        lab = ["--name", self.name, "--runtime", self.kind]
        # Text over binary files, as in a real process.
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            code = run([*words[:1], *lab, *words[1:]] if words[0] == "exec" else [*words, *lab], Invocation())
        said, complained = (stream.buffer.getvalue().decode() for stream in (out, err))
        assert code == exit_code, f"{words} ended with {code}: {said}{complained}"
        return said

    def document(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@contextmanager
def _played(kind: str, home: Path) -> Iterator[_Cli]:
    """A lab on which the whole session has been played, with its state in `home`."""
    # PostgreSQL may run as another user, who must be able to enter.
    home.chmod(0o755)
    cli = _Cli(kind, f"both-{uuid.uuid4().hex[:8]}")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LABCTL_HOME", str(home))
        try:
            cli("up", "--no-observability")
            product = ""
            for words in _SESSION:
                told = cli.document(*(product if word == "ID" else word for word in words))
                cli.documents[" ".join(words)] = told
                product = product or told["id"]
            # In a container, only Prometheus reaches them.
            for told in cli.documents.values():
                if isinstance(told, dict) and "urls" in told:
                    told["urls"].pop("worker-metrics", None)
            _check(cli)
            yield cli
        finally:
            cli("down")


@pytest.fixture(scope="module")
def local_documents(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The output of every command on a local lab."""
    with _played("local", tmp_path_factory.mktemp("both-home")) as cli:
        return cli.documents


# In the same group as the other test, so the session is played once per runtime.
@pytest.mark.xdist_group("docker")
def test_every_command_works(local_documents: Mapping[str, Any]) -> None:
    assert len(local_documents) == len(set(_SESSION))


@pytest.mark.slow
@pytest.mark.docker
def test_every_command_works_alike(engine: str, local_documents: Mapping[str, Any], tmp_path: Path) -> None:
    with _played("docker", tmp_path) as docker:
        for words, document in local_documents.items():
            assert _shape(docker.documents[words]) == _shape(document), words


def _check(cli: _Cli) -> None:
    _check_documents(cli.documents)
    # Commands that print no document.
    assert cli("exec", "redis", "--", "redis-cli", "PING") == "PONG\n"
    assert "accepting connections" in cli("exec", "postgres", "--", "pg_isready")
    assert "worker" in cli("logs", "worker", "--tail", "1")
    # Mistakes are reported alike.
    for words in (
        ("worker", "restart", "--set", "NO_SUCH=1"),
        ("fault", "resume", "mongodb"),
        ("db", "query", "SELECT bogus"),
        ("product", "get", "nowhere"),
    ):
        cli(*words, exit_code=2)


def _check_documents(said: Mapping[str, Any]) -> None:
    assert said["status"]["services"]["worker"]["state"] == "running"
    assert {"api", "redis", "postgres"} == set(said["urls"]["urls"])
    assert said["product get ID"]["name"] == "Both"
    updated = said["product update ID --price 8"]
    assert (updated["name"], updated["price"], updated["quantity"]) == ("Both", 8, 3)
    assert said["config set COALESCING_WINDOW_MS=400"]["coalescing_window_ms"] == 400
    assert said["db query SELECT 1 AS one"]["output"] == ["one", "1"]
    assert said["worker stop"]["services"]["worker"]["state"] == "stopped"
    assert said["worker kill"]["services"]["worker"]["state"] == "died"
    assert said["fault pause api"]["services"]["api"]["state"] == "paused"
    assert said["fault kill redis"]["services"]["redis"]["state"] == "died"
    assert said["fault flushall"]["answer"] == ["OK"]
    for name in ("demo coalescing", "load quick", "load coalescing --engine k6 --duration 1"):
        assert said[name]["outcome"] == "expected"
        assert said[name]["verdict"]["fates"]["lost"] == 0
    assert all(used["memory_bytes"] > 1_000_000 for used in said["top"]["services"].values())


def _shape(value: object) -> object:
    """Keys and types, without what naturally differs, such as counts and machine details."""
    match value:
        case bool() | str():
            return type(value).__name__
        # One runtime may know a number that the other does not.
        case None | int() | float():
            return "number or nothing"
        case Mapping():
            return {key: _shape(inner) for key, inner in value.items() if key not in ("detail", "hint")}
        # How much is in it varies.
        case Sequence():
            return "list"
        case _:
            raise TypeError(f"no JSON: {value!r}")
