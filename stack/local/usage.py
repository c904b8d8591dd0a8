"""Resources of processes: what `top` shows."""

import time
from collections.abc import Sequence
from contextlib import suppress

import psutil

from stack.process_io import disk_bytes
from stack.spec.runtime import Usage


class UsageMeter:
    """Reads the resources of one service. CPU is counted since the last reading; the first time, since the
    process started."""

    def __init__(self) -> None:
        #: pid → Unix time of the last reading in s, CPU seconds up to then.
        self._last: dict[int, tuple[float, float]] = {}

    def read(self, processes: Sequence[psutil.Process]) -> Usage:
        """What these processes of one service use together. No system counts the network by process."""
        cpu, memory, threads = 0.0, 0, 0
        for process in processes:
            with suppress(psutil.Error), process.oneshot():
                cpu += self._cpu_percent(process)
                memory += process.memory_info().rss
                threads += process.num_threads()
        disk = disk_bytes(processes)
        return Usage(
            cpu_percent=round(cpu, 1),
            memory_bytes=memory,
            read_bytes=disk and disk[0],
            written_bytes=disk and disk[1],
            threads=threads,
        )

    def _cpu_percent(self, process: psutil.Process) -> float:
        now, spent = time.time(), process.cpu_times()
        used = spent.user + spent.system
        since, before = self._last.get(process.pid, (process.create_time(), 0.0))
        self._last[process.pid] = (now, used)
        return 100 * max(0.0, used - before) / max(0.01, now - since)
