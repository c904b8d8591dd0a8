"""Every command does the same on either runtime, and its document has the same shape."""

import io
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from labctl.__main__ import run
from labctl.context import Invocation

pytestmark = pytest.mark.xdist_group("both runtimes")

_KINDS: Final = ("local", pytest.param("docker", marks=pytest.mark.docker))
#: One after the other, on one lab; `ID` is the product that the first one created.
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
        # Files of bytes beneath, as a process has them.
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            code = run([*words[:1], *lab, *words[1:]] if words[0] == "exec" else [*words, *lab], Invocation())
        said, complained = (stream.buffer.getvalue().decode() for stream in (out, err))
        assert code == exit_code, f"{words} ended with {code}: {said}{complained}"
        return said

    def document(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture(scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("both-home")
    before = os.environ.get("LABCTL_HOME")
    os.environ["LABCTL_HOME"] = str(home)
    yield home
    if before is None:
        del os.environ["LABCTL_HOME"]
    else:
        os.environ["LABCTL_HOME"] = before


def _played(kind: str) -> Iterator[_Cli]:
    cli = _Cli(kind, f"both-{uuid.uuid4().hex[:8]}")
    try:
        cli("up", "--no-observability")
        product = ""
        for words in _SESSION:
            told = cli.document(*(product if word == "ID" else word for word in words))
            cli.documents[" ".join(words)] = told
            product = product or told["id"]
        yield cli
    finally:
        cli("down")


@pytest.fixture(scope="module")
def local_cli(_home: Path) -> Iterator[_Cli]:
    yield from _played("local")


@pytest.fixture(scope="module")
def docker_cli(_home: Path, engine: str) -> Iterator[_Cli]:
    yield from _played("docker")


@pytest.fixture(params=_KINDS)
def cli(request: pytest.FixtureRequest) -> _Cli:
    found = request.getfixturevalue(f"{request.param}_cli")
    assert isinstance(found, _Cli)
    return found


def test_the_documents_say_what_was_done(cli: _Cli) -> None:
    said = cli.documents
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


def test_what_prints_no_document(cli: _Cli) -> None:
    assert cli("exec", "redis", "--", "redis-cli", "PING") == "PONG\n"
    assert "accepting connections" in cli("exec", "postgres", "--", "pg_isready")
    assert "worker" in cli("logs", "worker", "--tail", "1")


def test_a_mistake_is_told_alike(cli: _Cli) -> None:
    for words, code in (
        (("worker", "restart", "--set", "NO_SUCH=1"), 2),
        (("fault", "resume", "mongodb"), 2),
        (("db", "query", "SELECT bogus"), 2),
        (("product", "get", "nowhere"), 2),
    ):
        cli(*words, exit_code=code)


@pytest.mark.docker
def test_the_documents_have_the_same_shape(local_cli: _Cli, docker_cli: _Cli) -> None:
    for words, document in local_cli.documents.items():
        assert _shape(docker_cli.documents[words]) == _shape(document), words


def _shape(value: object) -> object:
    """Keys and kinds, without what differs by nature: how many there are, which machine it is."""
    match value:
        case bool() | str():
            return type(value).__name__
        # What one runtime knows the other may not: that is a matter of values.
        case None | int() | float():
            return "number or nothing"
        case Mapping():
            return {key: _shape(inner) for key, inner in value.items() if key not in ("detail", "hint")}
        # How much is in it is a matter of the moment.
        case Sequence():
            return "list"
        case _:
            raise TypeError(f"no JSON: {value!r}")
