"""Processes of this machine: how they are identified and started, and how all of them are ended.

The system reuses pids, so a pid alone says nothing once its process has ended. A process is therefore
identified by its pid together with its start time.
"""

import logging
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

_log = logging.getLogger(__name__)

#: Raised where a process is gone, or belongs to another user.
_UNSEEN = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError)


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process identified by pid and start time, so a recycled pid never matches."""

    pid: int
    #: When it started, measured so that a change of the clock does not affect it.
    start_time: str


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now; None if no process has it."""
    start_time = _start_time(pid)
    return ProcessId(pid, start_time) if start_time else None


def is_alive(identity: ProcessId) -> bool:
    """Whether this process still runs. A zombie does not count."""
    _reap(identity.pid)
    if _start_time(identity.pid) != identity.start_time:
        return False
    try:
        return psutil.Process(identity.pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except _UNSEEN:
        return False


def is_paused(identity: ProcessId) -> bool:
    """Whether a signal has stopped the process; False if it is gone."""
    try:
        return psutil.Process(identity.pid).status() == psutil.STATUS_STOPPED
    except _UNSEEN:
        return False


def started_at(identity: ProcessId) -> float | None:
    """When the process started, as Unix time in s; None if it is gone."""
    try:
        return psutil.Process(identity.pid).create_time()
    except _UNSEEN:
        return None


class _Detached(subprocess.Popen[bytes]):
    """A process that is meant to outlive labctl."""

    def __del__(self) -> None:
        """Popen would warn that the process still runs; here that is intended."""


def spawn(argv: Sequence[str], *, env: Mapping[str, str], directory: Path, log: Path) -> ProcessId:
    """Start a process in a session of its own, with its output appended to `log`.

    Raises:
        OSError: the program can't be executed, or the log can't be written.
    """
    with log.open("ab") as output:
        child = _Detached(
            argv,
            env=dict(env),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _log.debug("started pid %d: %s", child.pid, shlex.join(map(str, argv)))
    # A process that ends at once stays a zombie until it is reaped, so it still has its start time.
    return identify(child.pid) or ProcessId(child.pid, "")


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """All processes of one service: its leader, the leader's descendants, and what they left behind.

    A session is not enough: PostgreSQL's children open their own. An orphan of a dead leader is recognised
    by its working directory and by the file that its output goes to.
    """

    leader: ProcessId | None
    #: Working directory of the service's processes, and only of those.
    directory: Path
    log: Path

    def members(self) -> tuple[psutil.Process, ...]:
        """The living processes, the leader first."""
        members: dict[int, psutil.Process] = {}
        if self.leader is not None and is_alive(self.leader):
            for process in _with_descendants(self.leader.pid):
                members[process.pid] = process
        for process in psutil.process_iter():
            if process.pid not in members and self._left_behind(process):
                members[process.pid] = process
        return tuple(process for process in members.values() if _lives(process))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to every member that still lives."""
        members = self.members()
        _log.debug("%s to %s", number.name, [process.pid for process in members])
        for process in members:
            with suppress(*_UNSEEN):
                process.send_signal(number)

    def _left_behind(self, process: psutil.Process) -> bool:
        try:
            if process.pid == os.getpid() or process.cwd() != str(self.directory):
                return False
            return self._shares_session(process) or self._writes_log(process)
        except _UNSEEN:
            return False

    def _shares_session(self, process: psutil.Process) -> bool:
        # A session's number can't be handed out again while the session has members.
        return self.leader is not None and os.getsid(process.pid) == self.leader.pid

    def _writes_log(self, process: psutil.Process) -> bool:
        return any(file.fd in (1, 2) and file.path == str(self.log) for file in process.open_files())


def _with_descendants(pid: int) -> Iterator[psutil.Process]:
    with suppress(*_UNSEEN):
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)


def _lives(process: psutil.Process) -> bool:
    with suppress(*_UNSEEN):
        _reap(process.pid)
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _reap(pid: int) -> None:
    """Where the process is our child, let the system forget it once it has ended."""
    with suppress(ChildProcessError, PermissionError):
        os.waitpid(pid, os.WNOHANG)


def _start_time(pid: int) -> str:
    if sys.platform != "linux":
        try:
            return repr(psutil.Process(pid).create_time())
        except _UNSEEN:
            return ""
    try:
        # Field 22 of proc(5)'s stat, ticks since boot; the second field may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{_boot()}/{fields[19]}"


@cache
def _boot() -> str:
    """Identifies this boot of the machine."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
