"""Commands that fail, through no mistake of the user's."""

import errno
import json
import os
from pathlib import Path

import pytest

from stack.errors import NotRunning
from stack.spec.events import StackEvent
from stack.spec.runtime import ExecResult
from tests.unit.labctl.conftest import Cli


def test_what_does_not_run_is_exit_4(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_service: str, _argv: list[str]) -> ExecResult:
        raise NotRunning("redis does not run", hint="start it with `labctl up`")

    monkeypatch.setattr(cli.lab, "exec", refuse)
    code, _, err = cli("fault", "flushall")
    assert code == 4
    assert err.endswith("labctl: redis does not run\n  what to do: start it with `labctl up`\n")


def test_a_bug_is_a_sentence_and_a_file(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble() -> None:
        raise RuntimeError("of all things")

    monkeypatch.setattr(cli.lab, "urls", stumble)
    code, out, err = cli("urls")
    assert (code, out) == (70, "")
    assert "bug in labctl: RuntimeError: of all things" in err
    assert "Traceback" not in err
    (report,) = tmp_path.glob("crash-*.txt")
    assert str(report) in err
    assert "of all things" in report.read_text()


def test_an_interruption_closes_what_runs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    def up(_settings: object, **_options: object) -> object:
        try:
            yield from _interrupting()
        finally:
            closed.append(True)

    monkeypatch.setattr(cli.lab, "up", up)
    code, out, err = cli("up", "--json")
    assert (code, closed) == (130, [True])
    assert json.loads(out)["error"]["exit_code"] == 130
    assert "interrupted" in err


def _interrupting() -> list[StackEvent]:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "command", [["dlq", "drop", "--yes"], ["config", "show"], ["queue", "flush"], ["urls"]]
)
def test_whoever_listens_on_the_port_of_a_lab_that_does_not_run_is_not_asked(
    cli: Cli, command: list[str]
) -> None:
    cli.lab.is_up = False
    code, _, err = cli(*command)
    assert code == 4
    assert "is not running" in err


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "ulimit -n"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/disk"), "/full/disk"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), "/x"), "read-only"),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), "working directory"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
    ],
)
def test_what_the_machine_refuses_is_told_and_not_a_bug(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(cli.lab, "status", refuse)
    code, _, err = cli("status")
    assert code == 4
    assert says in err
    assert "what to do:" in err
    assert "bug" not in err


def test_a_bug_is_still_a_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(cli.lab, "status", fail)
    assert cli("status")[0] == 70
