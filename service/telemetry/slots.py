"""Where a server process keeps its counters, so that they outlive it.

prometheus-client names each process's files by its pid, so they pile up with every restart. Here a process
takes the first free slot, and goes on counting where the slot's last owner stopped, however that ended. So no
counter falls, and there are never more files than there were server processes at a time.
"""

import fcntl
import logging
import os
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from prometheus_client import Metric, values
from prometheus_client.multiprocess import MultiProcessCollector

from service.telemetry.settings import keep_metrics_in

_log: Final = logging.getLogger(__name__)

#: More than there can be server processes, with the ones that they replace.
_SLOTS: Final = 256
#: The kinds of values that live in files, and the size of each file. It is written in full before it is
#: mapped: a process that wrote into a hole of a mapped file while the disk is full would be killed.
_KINDS: Final = ("counter", "histogram")
_FILE_BYTES: Final = 1 << 20
_merge: Final[Callable[[list[str]], Iterable[Metric]]] = MultiProcessCollector.merge
#: What reading a damaged file may raise.
_UNREADABLE: Final = (OSError, RuntimeError, ValueError, TypeError, AttributeError, struct.error)


def claim_slot(directory: Path) -> int | None:
    """Take a slot for as long as this process lives, and have its values kept there from now on.

    Args:
        directory: Made if missing.

    Returns:
        The slot; None if none can be had, which is logged: then the values live in memory.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        slot = _free_slot(directory)
        for kind in _KINDS:
            _prepare(directory / f"{kind}_{slot}.db")
    except OSError as error:
        _log.warning("metrics are kept in memory only: %s", error)
        return None
    keep_metrics_in(directory)
    in_files: Callable[[Callable[[], int]], type] = values.MultiProcessValue
    values.ValueClass = in_files(lambda: slot)
    return slot


def _free_slot(directory: Path) -> int:
    for number in range(_SLOTS):
        if _take(directory / f"slot-{number}"):
            return number
    raise OSError("no slot is free")


def _take(lock: Path) -> bool:
    """Take this lock, if it is free. It is held until the process ends, and given back by the kernel."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True


def _prepare(file: Path) -> None:
    """Make sure that a file is whole, and set one that is damaged aside."""
    size = file.stat().st_size if file.exists() else 0
    if size and not _is_readable(file):
        _log.warning("%s is damaged: its counters begin again", file)
        file.replace(file.with_suffix(".damaged"))
        size = 0
    if size < _FILE_BYTES:
        with file.open("ab") as opened:
            opened.write(bytes(_FILE_BYTES - size))


def _is_readable(file: Path) -> bool:
    """Whether a file of values can be read."""
    try:
        # The file begins with the number of bytes that are in use.
        with file.open("rb") as opened:
            used = int.from_bytes(opened.read(4), sys.byteorder, signed=True)
        _merge([str(file)])
    except _UNREADABLE:
        return False
    return 0 <= used <= file.stat().st_size


def values_in(directory: Path) -> list[Metric]:
    """What was counted in all slots, by processes that are alive and by those that have ended."""
    files = [str(file) for file in directory.glob("*.db")]
    try:
        return list(_merge(files))
    except _UNREADABLE:
        return list(_merge([file for file in files if _is_readable(Path(file))]))
