"""Every command with hostile arguments: a result or a proper error, never a crash report."""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labctl.__main__ import run
from labctl.cli.context import Invocation
from tests.unit.labctl.fake_lab import FakeLab

_COMMANDS: Final = (
    *(("up",), ("down",), ("status",), ("urls",), ("compose",), ("doctor",), ("logs",), ("top", "--once")),
    *(
        ("exec",),
        ("demo",),
        ("load",),
        ("report",),
        ("report", "--list"),
        ("compare",),
        ("queue", "show"),
        ("queue", "flush"),
    ),
    *(("product", verb) for verb in ("create", "get", "update", "delete", "list")),
    *(("dlq", verb) for verb in ("list", "requeue", "drop")),
    *(("db", verb) for verb in ("count", "recent", "stats", "query")),
    *(("cache", verb) for verb in ("get", "keys")),
    *(("config", verb) for verb in ("show", "set")),
    *(("worker", verb) for verb in ("stop", "start", "restart", "kill")),
    *(("fault", verb) for verb in ("flushall", "stop", "start", "kill", "pause", "resume")),
    *((), ("product",), ("nonsense",), ("help",)),
)
_OPTIONS: Final = (
    *(
        "--name",
        "--runtime",
        "--json",
        "--quiet",
        "-q",
        "-h",
        "--help",
        "--version",
        "--set",
        "--port",
        "--yes",
    ),
    *(
        "--title",
        "--price",
        "--quantity",
        "--policy",
        "--limit",
        "--duration",
        "--expect",
        "--threshold",
        "--rate",
        "--clients",
        "--engine",
    ),
    *(
        "--tail",
        "-n",
        "--step",
        "--crash",
        "--keep-data",
        "--observability",
        "--directory",
        "--stdin",
        "--",
        "-",
    ),
)
_HOSTILE: Final = (
    *("", " ", "-", "--", "---", "=", "==", "a=", "=b", "a=b=c", "BATCH_SIZE=", "BATCH_SIZE=1", "api=8001"),
    *(
        "nan",
        "inf",
        "-inf",
        "-nan",
        "1e999",
        "-1",
        "-0",
        "0",
        "1e-400",
        "0x10",
        "1_000",
        "٣",
        "²",
        "½",
        "9" * 400,
    ),
    *(
        "NaN",
        "1.005",
        "99999999.99",
        "1e9",
        "2147483648",
        "65536",
        "api=65536",
        "api=9" * 3,
        "api=٣",
        "api=²",
    ),
    *("\x00", "\x1b[2J", "\x1b]0;x\x07", "\r\n", "\t", "a\nb", "‮abc", "​", "日本語", "é", "🎉", "‏", "\ufeff"),
    *(
        "../..",
        "/",
        "..",
        ".",
        "~",
        "~root",
        "%s",
        "%00",
        "{}",
        "{0}",
        "[bold]",
        "[/]",
        "$HOME",
        "`id`",
        "'",
        '"',
        "\\",
    ),
    *(
        "caf\udce9",
        "\udc80",
        "\udcff",
        "x" * 5000,
        "http://x",
        "?",
        "#",
        "a/b",
        "a b",
        "*",
        "seed-001",
        "worker",
    ),
    *(
        "basic",
        "coalescing",
        "quick",
        "all",
        "data-loss",
        "docker",
        "local",
        "auto",
        "k6",
        "redis",
        "lab42-api",
    ),
)
_word = st.one_of(
    st.sampled_from(_HOSTILE),
    st.sampled_from(_OPTIONS),
    st.text(max_size=8),
    st.floats().map(str),
    st.integers().map(str),
)


@pytest.fixture(scope="module", autouse=True)
def _surroundings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
        patch.setenv("LABCTL_HOME", home)
        patch.setenv("DOCKER_HOST", f"unix://{home}/nobody.sock")
        yield


def _call(words: list[str], lab: FakeLab) -> tuple[int, str]:
    """Run a command without a terminal; returns exit code and output."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors="replace") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        code = run(words, Invocation(open_lab=lab.opener))
    said = []
    for stream in (out, err):
        stream.seek(0)
        said.append(stream.read())
    return code, "".join(said)


@settings(max_examples=150, deadline=None)
@given(
    command=st.sampled_from(_COMMANDS),
    words=st.lists(_word, max_size=4),
    before=st.lists(_word, max_size=1),
    is_up=st.booleans(),
)
@example(command=("product", "create"), words=["--price", "nan"], before=[], is_up=True)
@example(command=("product", "create"), words=["--title", "caf\udce9"], before=[], is_up=True)
@example(command=("product", "get"), words=["\udcff"], before=[], is_up=True)
@example(command=("product", "get"), words=[".."], before=[], is_up=True)
@example(command=("exec",), words=["redis", "--", "\x00"], before=[], is_up=True)
def test_nothing_that_is_typed_is_a_bug(
    command: tuple[str, ...], words: list[str], before: list[str], is_up: bool
) -> None:
    with tempfile.TemporaryDirectory() as home:
        code, said = _call([*before, *command, *words], FakeLab(Path(home) / "lab42", is_up=is_up))
    assert code in {0, 1, 2, 3, 4}, said
    assert "Traceback" not in said
    assert "bug in labctl" not in said
    assert "\x1b[2J" not in said
    assert code not in (2, 4) or "labctl: " in said or "Usage: " in said
