"""Resources of processes: what `top` shows."""

import time
from collections.abc import Sequence
from contextlib import suppress

import psutil

from stack.runtime import Usage


class UsageMeter:
    """CPU is counted since the last reading, or since the process began where there is none."""

    def __init__(self) -> None:
        #: pid → Unix time of the last reading in s, CPU seconds up to then.
        self._last: dict[int, tuple[float, float]] = {}

    def read(self, processes: Sequence[psutil.Process]) -> Usage:
        cpu, memory, read, written, counted = 0.0, 0, 0, 0, 0
        for process in processes:
            with suppress(psutil.Error), process.oneshot():
                cpu += self._cpu_percent(process)
                memory += process.memory_info().rss
                counted += 1
                # Not there on every system, nor for every user.
                with suppress(psutil.AccessDenied, AttributeError, NotImplementedError):
                    moved = process.io_counters()
                    read += moved.read_bytes
                    written += moved.write_bytes
        return Usage(
            cpu_percent=round(cpu, 1),
            memory_bytes=memory,
            read_bytes=read,
            written_bytes=written,
            processes=counted,
        )

    def _cpu_percent(self, process: psutil.Process) -> float:
        now, spent = time.time(), process.cpu_times()
        used = spent.user + spent.system
        since, before = self._last.get(process.pid, (process.create_time(), 0.0))
        self._last[process.pid] = (now, used)
        return 100 * max(0.0, used - before) / max(0.01, now - since)
