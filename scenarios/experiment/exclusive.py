"""One experiment at a time: two would disturb each other's figures, and each other's lab."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stack.errors import EnvironmentFault
from stack.state.files import map_os_errors

_FILE: Final = "experiment.lock"


@contextmanager
def exclusively(home: Path) -> Iterator[None]:
    """Hold the lock of experiments while the body runs; the system releases it when the process ends.

    Args:
        home: The state directory of all labs.

    Raises:
        EnvironmentFault: another experiment is running.
        StateUnusable: the directory can't be written.
    """
    path = home / _FILE
    with map_os_errors(path):
        home.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EnvironmentFault(
                "another experiment is running: two would disturb each other's figures",
                hint="let it finish, or end it with Ctrl-C, then try again",
            ) from error
        yield
    finally:
        os.close(handle)
