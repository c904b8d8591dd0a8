"""Server processes: as many as asked for, whatever becomes of single ones.

They are forked by one that only looks after them, and share the socket it listens on: connections that wait
in the kernel's queue survive a process that ends, and whichever process has time takes the next one. When the
parent is killed they end, for each holds the reading end of a pipe that only the parent could write to.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

#: s between two starts in one place: of one that was killed, and of one that can't live by itself, which must
#: not fill the log.
_KILLED_SECONDS: Final = 0.1
_FAILED_SECONDS: Final = 1.0
#: s for a process to end by itself after SIGTERM.
_END_SECONDS: Final = 2.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)

_log = logging.getLogger(__name__)


def listen(host: str, port: int, *, seconds: float = 1.5) -> socket.socket:
    """A listening socket.

    Args:
        seconds: how long a port that is in use is waited for: processes of a server that was killed need a
            moment to end.

    Raises:
        OSError: the address can't be used.
    """
    by = time.monotonic() + seconds
    while True:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, port), family=family, backlog=1024)
        except OSError:
            if time.monotonic() > by:
                raise
        threading.Event().wait(0.05)


class Processes:
    """Keeps `count` processes running, each in `serve`, until a signal ends all."""

    def __init__(self, serve: Callable[[int], None], count: int) -> None:
        """`serve` gets the pipe that is at its end when the parent is gone."""
        self._serve = serve
        self._count = count
        self._started: dict[int, float] = {}
        self._parent_reader, self._parent_writer = os.pipe()

    def run(self) -> None:
        """Return after SIGTERM or SIGINT, with all of them gone."""
        for number in _SIGNALS:
            # What has no handler may be dropped before it is waited for.
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        for _ in range(self._count):
            self._start()
        while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
            for pid, status in self._ended():
                _log.warning("server process %d ended (%s); another takes its place", pid, _why(status))
                killed = os.waitstatus_to_exitcode(status) < 0
                by = self._started.pop(pid) + (_KILLED_SECONDS if killed else _FAILED_SECONDS)
                threading.Event().wait(max(0.0, by - time.monotonic()))
                self._start()
        self._end()

    def _start(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._started[pid] = time.monotonic()
            return
        code = 1
        try:
            os.close(self._parent_writer)
            for number in _SIGNALS:
                # Until it has something to end in good order, it ends at once.
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._serve(self._parent_reader)
            code = 0
        except Exception:  # noqa: BLE001 - the parent replaces it, whatever it was
            _log.exception("a server process failed")
        finally:
            # Never back into what the parent does, nor into what it would do at its end.
            sys.stderr.flush()
            os._exit(code)

    def _ended(self) -> list[tuple[int, int]]:
        found = []
        for pid in list(self._started):
            with suppress(ChildProcessError):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    found.append((pid, status))
        return found

    def _end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._started:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            by = time.monotonic() + _END_SECONDS
            while self._started and time.monotonic() < by:
                for pid, _ in self._ended():
                    del self._started[pid]
                threading.Event().wait(0.01)


def _why(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
