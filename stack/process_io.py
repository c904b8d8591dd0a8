"""What processes moved from and to disk."""

from collections.abc import Iterable
from contextlib import suppress

import psutil


def disk_bytes(processes: Iterable[psutil.Process]) -> tuple[int, int] | None:
    """Bytes read and written, of those that are still there; None where no process tells: not every system
    counts them, nor for every user."""
    told = False
    read = written = 0
    for process in processes:
        with suppress(psutil.Error, AttributeError, NotImplementedError):
            moved = process.io_counters()
            told, read, written = True, read + moved.read_bytes, written + moved.write_bytes
    return (read, written) if told else None
