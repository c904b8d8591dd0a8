"""Resources of containers: what `top` shows."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from stack.docker_client import translated
from stack.docker_observed import unix_time
from stack.runtime import Usage

if TYPE_CHECKING:
    from docker import APIClient

_NANOSECONDS: Final = 1e9


class ContainerMeter:
    """CPU is counted since the last reading, or since the container started where there is none."""

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

    def _read_one(self, client: "APIClient", found: Mapping[str, Any]) -> Usage | None:
        from docker.errors import NotFound

        with translated("the engine tells no figures"), suppress(NotFound):
            # One shot: the engine would otherwise take a second for its own comparison.
            stats = client.stats(found["Id"], stream=False, one_shot=True)
            if (stats.get("cpu_stats") or {}).get("cpu_usage"):
                return self._usage(found, stats)
        return None

    def _usage(self, found: Mapping[str, Any], stats: Mapping[str, Any]) -> Usage:
        now = unix_time(str(stats["read"]))
        spent = stats["cpu_stats"]["cpu_usage"]["total_usage"] / _NANOSECONDS
        began = unix_time(str(found["State"]["StartedAt"]))
        since, before = self._last.get(found["Id"], (began, 0.0))
        self._last[found["Id"]] = (now, spent)
        memory = stats.get("memory_stats") or {}
        moved = (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
        networks = (stats.get("networks") or {}).values()
        return Usage(
            cpu_percent=round(100 * max(0.0, spent - before) / max(0.01, now - since), 1),
            memory_bytes=max(0, int(memory.get("usage", 0)) - _reclaimable(memory)),
            read_bytes=_moved(moved, "read"),
            written_bytes=_moved(moved, "write"),
            received_bytes=sum(int(each.get("rx_bytes", 0)) for each in networks),
            sent_bytes=sum(int(each.get("tx_bytes", 0)) for each in networks),
            processes=int((stats.get("pids_stats") or {}).get("current") or 1),
        )


def _reclaimable(memory: Mapping[str, Any]) -> int:
    """The page cache that `docker stats` does not count either: its name differs by cgroup version."""
    details = memory.get("stats") or {}
    return int(details.get("total_inactive_file", details.get("inactive_file", 0)))


def _moved(entries: Any, operation: str) -> int:
    return sum(int(each["value"]) for each in entries if str(each.get("op", "")).lower() == operation)
