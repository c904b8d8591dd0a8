"""kill -9 of labctl in the middle of a run: the next command undoes what the run had changed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from labctl.__main__ import run
from labctl.cli.context import Invocation
from scenarios.lab.context import Run
from service.writebehind import keys
from stack.lab import Lab
from stack.state.directory import UNDO_LOGS
from stack.undo_log import UndoLog
from stack.wait import wait_until
from tests.integration.runs import assert_works

pytestmark = pytest.mark.slow_in_docker

#: Runs a command on the lab; returns its exit code and output.
Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(lab: Lab, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    list(lab.up())
    lab.exec("redis", ["redis-cli", "DEL", keys.CONFIG, keys.DLQ])

    def on_the_lab(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(list(words), Invocation(open_lab=lambda name, runtime, *, ports: lab))
        return code, "".join(capsys.readouterr())

    yield on_the_lab
    list(lab.up())
    lab.exec("redis", ["redis-cli", "DEL", keys.CONFIG, keys.DLQ])


@contextmanager
def _running(lab: Lab, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """labctl at work, and killed at the end of the block."""
    argv = [sys.executable, "-m", "labctl", "--name", lab.name, "--runtime", lab.kind, *words]
    env = {**os.environ, "LABCTL_HOME": str(lab.directory.parent)}
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            yield child
        finally:
            child.kill()


def _is_noted(lab: Lab) -> bool:
    return any(lab.directory.glob(UNDO_LOGS))


@pytest.mark.slow_in_docker
def test_failures_on_purpose_are_switched_off_again(lab: Lab, command: Command) -> None:
    command("config", "set", "FAILURE_RATE=0.2")
    with Run(lab) as run, _running(lab, "demo", "retries") as child:

        def fails() -> bool:
            return bool(run.client.config()["failure_rate"] == 1.0)

        wait_until(fails, seconds=30, reason="every write fails on purpose", hint="")
        # While the run is alive, its changes are left alone.
        assert "was killed" not in command("status")[1]
        assert fails()
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        assert _is_noted(lab)
        code, said = command("config", "show")
        assert code == 0
        assert f"`labctl demo retries` (process {child.pid}) was killed before it could clean up" in said
        assert "failure_rate=0.2" in said
        assert "simulate_db_failure=as configured" in said
        assert run.probe.live_settings() == {"failure_rate": "0.2"}
        assert not _is_noted(lab)
        assert "was killed" not in command("status")[1]
        list(run.probe.settle(10))
        assert run.probe.depth().dead_letters == 0
    assert_works(lab)


def _killed_while_the_worker_is_stopped(lab: Lab) -> bool:
    with _running(lab, "demo", "data-loss") as child:
        wait_until(
            lambda: lab.services()["worker"].state == "stopped" or child.poll() is not None,
            seconds=60,
            reason="the run has stopped the worker",
            hint="",
        )
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    return lab.services()["worker"].state == "stopped"


@pytest.mark.slow_in_docker
def test_a_worker_that_a_run_stopped_runs_again(lab: Lab, command: Command) -> None:
    # The worker is stopped for less than a second, which a busy machine may miss.
    assert any(_killed_while_the_worker_is_stopped(lab) for _ in range(5))
    code, said = command("product", "list")
    assert code == 0
    assert "`labctl demo data-loss`" in said
    assert "worker runs" in said
    assert not _is_noted(lab)
    assert_works(lab)


def test_what_a_load_had_frozen_goes_on(lab: Lab, command: Command) -> None:
    words = ("load", "basic", "--rate", "20", "--duration", "60")
    faults = ("--fault", "worker:pause@100ms", "--fault", "failures:on@200ms")
    with _running(lab, *words, *faults) as child, Run(lab) as run:

        def broken() -> bool:
            frozen = lab.observe("worker").state == "paused"
            return frozen and run.probe.live_settings().get("simulate_db_failure") == "true"

        wait_until(
            broken,
            seconds=30,
            reason="the load has frozen the worker, and writes fail",
            hint="",
        )
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        code, said = command("product", "list")
        assert code == 0
        assert "`labctl load basic`" in said
        assert "worker runs" in said
        assert run.probe.live_settings() == {}
    assert not _is_noted(lab)
    assert_works(lab)


def test_what_a_person_stopped_or_set_stays(lab: Lab, command: Command) -> None:
    command("worker", "stop")
    command("config", "set", "SIMULATE_DB_FAILURE=true")
    for words in (("status",), ("queue", "show"), ("product", "list")):
        code, said = command(*words)
        assert (code, "Put back" in said) == (0, False)
    assert lab.services()["worker"].state == "stopped"
    with Run(lab) as run:
        assert run.client.config()["simulate_db_failure"] is True


def test_what_cannot_be_undone_now_is_reported_and_tried_again(lab: Lab, command: Command) -> None:
    journal = UndoLog(lab.directory, "demo retries")
    journal.note_settings({}, ["failure_rate"])
    (path,) = lab.directory.glob(UNDO_LOGS)
    # As if the process of the run had ended.
    path.write_text(path.read_text().replace('"birth": "', '"birth": "not '))
    list(lab.kill("redis"))
    code, said = command("status")
    assert (code, "can't be put back yet" in said) == (0, True)
    list(lab.start("redis"))
    assert "Put back: failure_rate=as configured" in command("status")[1]
    assert not path.exists()


def test_a_lab_that_is_down_takes_its_undo_logs_along(local_lab: Lab) -> None:
    list(local_lab.up(observability=False))
    UndoLog(local_lab.directory, "demo retries").note_services("worker")
    list(local_lab.down())
    assert not local_lab.directory.exists()
