"""kill -9 of labctl in the middle of a run: the next command puts back what the run had changed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from labctl.__main__ import run
from labctl.cli.context import Invocation
from scenarios.lab.context import Lab
from service.writebehind import keys
from stack.stack import Stack
from stack.undo_log import PATTERN, RunJournal
from stack.wait import wait_until
from tests.integration.runs import assert_works

pytestmark = pytest.mark.slow_in_docker

#: Runs a command on the lab: exit code, and all that it said.
Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(stack: Stack, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    list(stack.up())
    stack.exec("redis", ["redis-cli", "DEL", keys.CONFIG, keys.DLQ])

    def on_the_lab(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(list(words), Invocation(open_stack=lambda name, runtime, *, ports: stack))
        return code, "".join(capsys.readouterr())

    yield on_the_lab
    list(stack.up())
    stack.exec("redis", ["redis-cli", "DEL", keys.CONFIG, keys.DLQ])


@contextmanager
def _running(stack: Stack, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """labctl at work, and killed at the end of the block."""
    argv = [sys.executable, "-m", "labctl", "--name", stack.name, "--runtime", stack.kind, *words]
    env = {**os.environ, "LABCTL_HOME": str(stack.directory.parent)}
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            yield child
        finally:
            child.kill()


def _is_noted(stack: Stack) -> bool:
    return any(stack.directory.glob(PATTERN))


def test_failures_on_purpose_are_switched_off_again(stack: Stack, command: Command) -> None:
    command("config", "set", "FAILURE_RATE=0.2")
    with Lab(stack) as lab, _running(stack, "demo", "retries") as child:

        def fails() -> bool:
            return bool(lab.client.config()["failure_rate"] == 1.0)

        wait_until(fails, seconds=30, reason="every write fails on purpose", hint="")
        # While the run lives, its changes are its own business.
        assert "was killed" not in command("status")[1]
        assert fails()
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        assert _is_noted(stack)
        code, said = command("config", "show")
        assert code == 0
        assert f"`labctl demo retries` (process {child.pid}) was killed before it could clean up" in said
        assert "failure_rate=0.2" in said
        assert "simulate_db_failure=as configured" in said
        assert lab.probe.live_settings() == {"failure_rate": "0.2"}
        assert not _is_noted(stack)
        assert "was killed" not in command("status")[1]
        list(lab.probe.settle(10))
        assert lab.probe.depth().dead_letters == 0
    assert_works(stack)


def _killed_while_the_worker_is_stopped(stack: Stack) -> bool:
    with _running(stack, "demo", "data-loss") as child:
        wait_until(
            lambda: stack.services()["worker"].state == "stopped" or child.poll() is not None,
            seconds=60,
            reason="the run has stopped the worker",
            hint="",
        )
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    return stack.services()["worker"].state == "stopped"


def test_a_worker_that_a_run_stopped_runs_again(stack: Stack, command: Command) -> None:
    # The worker is stopped for less than a second, which a busy machine may miss.
    assert any(_killed_while_the_worker_is_stopped(stack) for _ in range(5))
    code, said = command("product", "list")
    assert code == 0
    assert "`labctl demo data-loss`" in said
    assert "worker runs" in said
    assert not _is_noted(stack)
    assert_works(stack)


def test_what_a_person_stopped_or_set_stays(stack: Stack, command: Command) -> None:
    command("worker", "stop")
    command("config", "set", "SIMULATE_DB_FAILURE=true")
    for words in (("status",), ("queue", "show"), ("product", "list")):
        code, said = command(*words)
        assert (code, "Put back" in said) == (0, False)
    assert stack.services()["worker"].state == "stopped"
    with Lab(stack) as lab:
        assert lab.client.config()["simulate_db_failure"] is True


def test_what_cannot_be_put_back_now_is_told_and_tried_again(stack: Stack, command: Command) -> None:
    journal = RunJournal(stack.directory, "demo retries")
    journal.note_settings({}, ["failure_rate"])
    (path,) = stack.directory.glob(PATTERN)
    # As if its process had ended.
    path.write_text(path.read_text().replace('"birth": "', '"birth": "not '))
    list(stack.kill("redis"))
    code, said = command("status")
    assert (code, "can't be put back yet" in said) == (0, True)
    list(stack.start("redis"))
    assert "Put back: failure_rate=as configured" in command("status")[1]
    assert not path.exists()


def test_a_lab_that_is_down_takes_its_journals_along(local_lab: Stack) -> None:
    list(local_lab.up(observability=False))
    RunJournal(local_lab.directory, "demo retries").note_services("worker")
    list(local_lab.down())
    assert not local_lab.directory.exists()
