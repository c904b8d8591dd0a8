"""The lock that lets only one labctl at a time change a lab."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from stack.spec.events import StackEvents, StackNoted
from stack.state.files import map_os_errors
from stack.wait import wait_until

FILE: Final = "lock"
_SECONDS: Final = 60.0


class LabLock:
    """A lock on a lab's directory: acquired inside a `with`, released at its end or when the process ends."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def acquire(self, *, seconds: float = _SECONDS) -> StackEvents:
        """Create the directory if needed, and take the lock; reports if it has to wait.

        Args:
            seconds: How long to wait at most.

        Raises:
            DeadlinePassed: another labctl still holds it.
            StateUnusable: the directory can't be written.
        """
        if self._try():
            return
        yield StackNoted(f"another labctl is working on this lab: waiting up to {seconds:g} s for it")
        wait_until(
            self._try,
            seconds=seconds,
            reason="the other labctl is done with this lab",
            hint="let it finish, or end it, then try again",
            poll=0.05,
        )

    def _try(self) -> bool:
        with map_os_errors(self._path):
            # `down` may remove the directory at any moment.
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except FileExistsError:
                if self._path.parent.exists():
                    raise
                return False
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:
                return False
        try:
            if self._lock(handle):
                self._handle = handle
                return True
        finally:
            if self._handle != handle:
                os.close(handle)
        return False

    def _lock(self, handle: int) -> bool:
        with map_os_errors(self._path), suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # `down` removes the directory while it holds the lock: then our file is not the one at that path.
            return os.path.samestat(os.fstat(handle), self._path.stat())
        return False
