"""The process tree, on small real processes."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from stack.local.process import ProcessId, ProcessTree, identify, is_alive, is_paused, spawn, started_at
from stack.wait import wait_until

_SLEEP = (sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(60)")
#: A leader with a child in its session and a grandchild in a session of its own, as PostgreSQL does.
_FAMILY = (
    "/bin/sh",
    "-c",
    f"{sys.executable} -S -c \"import os, time; os.fork() or os.setsid(); print('up', flush=True); "
    'time.sleep(60)" & echo up; wait',
)


class Started:
    """One spawned service in a directory of its own."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "run"
        self.directory.mkdir()
        self.log = home / "service.log"
        self.leader = ProcessId(0, "")

    def start(self, argv: tuple[str, ...], *, lines: int = 1) -> "Started":
        self.leader = spawn(argv, env=dict(os.environ), directory=self.directory, log=self.log)
        wait_until(
            lambda: self.log.read_text().count("up\n") >= lines, seconds=20, reason="it speaks", hint=""
        )
        return self

    @property
    def group(self) -> ProcessTree:
        return ProcessTree(self.leader, self.directory, self.log)

    def end(self) -> None:
        def gone() -> bool:
            self.group.send(SIGKILL)
            return not self.group.members()

        wait_until(gone, seconds=20, reason="all end", hint="")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    service = Started(tmp_path)
    try:
        yield service
    finally:
        service.end()


def test_a_process_is_known_by_pid_and_birth(started: Started) -> None:
    leader = started.start(_SLEEP).leader
    assert is_alive(leader)
    assert identify(leader.pid) == leader
    assert started_at(leader) is not None
    assert not is_alive(ProcessId(leader.pid, "another birth"))


def test_a_reused_pid_is_not_ours(tmp_path: Path) -> None:
    stranger = identify(os.getpid())
    assert stranger is not None
    old = ProcessId(stranger.pid, "long ago")
    assert not is_alive(old)
    assert ProcessTree(old, tmp_path, tmp_path / "service.log").members() == ()


def test_the_end_of_a_child_is_noticed_at_once(started: Started) -> None:
    leader = started.start(_SLEEP).leader
    os.kill(leader.pid, SIGKILL)
    wait_until(lambda: not is_alive(leader), seconds=20, reason="it ends", hint="")


def test_pausing_shows(started: Started) -> None:
    leader = started.start(_SLEEP).leader
    started.group.send(signal.SIGSTOP)
    wait_until(lambda: is_paused(leader), seconds=20, reason="it freezes", hint="")
    started.group.send(signal.SIGCONT)
    wait_until(lambda: not is_paused(leader), seconds=20, reason="it goes on", hint="")


def test_a_group_has_children_of_other_sessions(started: Started) -> None:
    started.start(_FAMILY, lines=3)
    members = started.group.members()
    assert len(members) == 3
    assert members[0].pid == started.leader.pid
    assert len({os.getsid(process.pid) for process in members}) == 2


def test_orphans_of_a_killed_leader_are_found_and_ended(started: Started) -> None:
    started.start(_FAMILY, lines=3)
    os.kill(started.leader.pid, SIGKILL)
    wait_until(lambda: not is_alive(started.leader), seconds=20, reason="the leader ends", hint="")
    assert len(started.group.members()) == 2
    started.end()
    assert started.group.members() == ()


def test_orphans_are_found_even_without_a_record(started: Started) -> None:
    started.start(_SLEEP)
    assert len(ProcessTree(None, started.directory, started.log).members()) == 1


def test_others_who_work_in_the_directory_are_left_alone(started: Started, tmp_path: Path) -> None:
    started.start(_SLEEP)
    assert ProcessTree(None, started.directory, tmp_path / "other.log").members() == ()


def test_output_is_appended(started: Started) -> None:
    started.log.write_text("earlier\n")
    started.start(_SLEEP)
    assert started.log.read_text().splitlines() == ["earlier", "up"]


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        spawn(("/nowhere/program",), env={}, directory=tmp_path, log=tmp_path / "log")
