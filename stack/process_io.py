"""Bytes that processes read from disk and wrote to it."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psutil


def disk_bytes(processes: Iterable[psutil.Process]) -> tuple[int, int] | None:
    """Bytes read and written, of those that are still there; None where no process tells: not every system
    counts them, nor for every user."""
    told = False
    read = written = 0
    for process in processes:
        with suppress(psutil.Error, AttributeError, NotImplementedError):
            moved = process.io_counters()
            told, read, written = True, read + moved.read_bytes, written + _written(moved)
    return (read, written) if told else None


def _written(moved: Any) -> int:
    """Linux counts pages that were made dirty, all of a large folio (up to some MB) for each few bytes that
    are appended to it and synced, as a log of transactions is: fifty times too many. What was handed to
    write(2) counts sockets as well. The less of the two is near the truth for a database and for a server."""
    return int(min(moved.write_bytes, getattr(moved, "write_chars", moved.write_bytes)))
