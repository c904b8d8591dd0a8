"""Bytes that processes read from disk and wrote to it."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psutil


def disk_bytes(processes: Iterable[psutil.Process]) -> tuple[int, int] | None:
    """Bytes that these processes have read and written; None if none of them reports it: not every system
    counts them, and not for every user."""
    reported = False
    read = written = 0
    for process in processes:
        with suppress(psutil.Error, AttributeError, NotImplementedError):
            moved = process.io_counters()
            reported, read, written = True, read + moved.read_bytes, written + _written(moved)
    return (read, written) if reported else None


def _written(moved: Any) -> int:
    """Bytes written to disk, as nearly as Linux can tell.

    `write_bytes` counts pages that became dirty. For a few bytes that are appended and synced, as in a log of
    transactions, that may be a large folio of some MB: fifty times too many. `write_chars` counts what went
    through write(2), to sockets as well. The smaller of the two is near the truth for databases and servers.
    """
    return int(min(moved.write_bytes, getattr(moved, "write_chars", moved.write_bytes)))
