"""Resources of containers: what `top` shows."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from stack.docker.engine import map_docker_errors
from stack.docker.inspect import unix_time
from stack.process_io import disk_bytes
from stack.spec.runtime import Usage

if TYPE_CHECKING:
    from docker import APIClient

_NANOSECONDS: Final = 1e9


class ContainerMeter:
    """Reads the resources of a lab's containers. CPU is counted since the last reading; the first time, since
    the container started."""

    def __init__(self) -> None:
        #: Container's id → Unix time of the last reading in s, CPU seconds up to then.
        self._last: dict[str, tuple[float, float]] = {}

    def read(self, client: "APIClient", running: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Usage]:
        """Resources by service.

        Args:
            client: The engine.
            running: Inspected containers, by service.
        """
        if not running:
            return {}
        with ThreadPoolExecutor(max_workers=len(running)) as pool:
            readings = pool.map(lambda name: self._read_one(client, running[name]), running)
            return {name: used for name, used in zip(running, readings, strict=True) if used is not None}

    def _read_one(self, client: "APIClient", container: Mapping[str, Any]) -> Usage | None:
        from docker.errors import NotFound

        with map_docker_errors("the engine reports no resources"), suppress(NotFound):
            # Otherwise the engine takes a second, to compare two readings.
            stats = client.stats(container["Id"], stream=False, one_shot=True)
            if (stats.get("cpu_stats") or {}).get("cpu_usage"):
                return self._usage(container, stats)
        return None

    def _usage(self, container: Mapping[str, Any], stats: Mapping[str, Any]) -> Usage:
        now = unix_time(str(stats["read"]))
        spent = stats["cpu_stats"]["cpu_usage"]["total_usage"] / _NANOSECONDS
        began = unix_time(str(container["State"]["StartedAt"]))
        since, before = self._last.get(container["Id"], (began, 0.0))
        self._last[container["Id"]] = (now, spent)
        memory = stats.get("memory_stats") or {}
        disk = _reported(stats) or _from_processes(container)
        networks = (stats.get("networks") or {}).values()
        return Usage(
            cpu_percent=round(100 * max(0.0, spent - before) / max(0.01, now - since), 1),
            memory_bytes=max(0, int(memory.get("usage", 0)) - _reclaimable(memory)),
            read_bytes=disk and disk[0],
            written_bytes=disk and disk[1],
            received_bytes=sum(int(each.get("rx_bytes", 0)) for each in networks),
            sent_bytes=sum(int(each.get("tx_bytes", 0)) for each in networks),
            threads=int((stats.get("pids_stats") or {}).get("current") or 1),
        )


def _reclaimable(memory: Mapping[str, Any]) -> int:
    """The page cache that `docker stats` does not count either: its name differs by cgroup version."""
    details = memory.get("stats") or {}
    return int(details.get("total_inactive_file", details.get("inactive_file", 0)))


def _reported(stats: Mapping[str, Any]) -> tuple[int, int] | None:
    """Bytes read and written; None where the engine has no figures, as with some kernels and disks."""
    entries = (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()

    def moved(operation: str) -> int:
        return sum(int(each["value"]) for each in entries if str(each.get("op", "")).lower() == operation)

    return (moved("read"), moved("write")) if entries else None


def _from_processes(container: Mapping[str, Any]) -> tuple[int, int] | None:
    """The same, read from the container's processes if they run on this machine and are visible to us."""
    leader = int(container["State"]["Pid"])
    with suppress(OSError, psutil.Error):
        # The engine may run in a virtual machine, where the same pid is another process.
        if container["Id"] in Path(f"/proc/{leader}/cgroup").read_text():
            process = psutil.Process(leader)
            return disk_bytes([process, *process.children(recursive=True)])
    return None
