"""Latencies in an HDR histogram: every percentile to three digits, in little memory."""

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from hdrh.histogram import HdrHistogram

_LOWEST_US: Final = 1
#: Longer latencies count as this one.
_HIGHEST_US: Final = 60_000_000
_SIGNIFICANT_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles in ms; all zero if nothing was recorded."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0


class Latencies:
    """One thread records, another one reads.

    The recording thread only appends. Counting costs forty times as much and is left to the reader.
    """

    def __init__(self) -> None:
        self._fresh: deque[tuple[float, int]] = deque()
        self._counted: Any = HdrHistogram(_LOWEST_US, _HIGHEST_US, _SIGNIFICANT_DIGITS)  # type: ignore[no-untyped-call]

    def record(self, seconds: float, count: int = 1) -> None:
        """Take in a latency, which `count` requests had."""
        self._fresh.append((seconds, count))

    def percentiles(self) -> Percentiles:
        """The percentiles of everything recorded so far."""
        self._count()
        if not self._counted.total_count:
            return Percentiles()
        microseconds: dict[float, int] = self._counted.get_percentile_to_value_dict([50, 95, 99])
        return Percentiles(
            p50=microseconds[50] / 1000,
            p95=microseconds[95] / 1000,
            p99=microseconds[99] / 1000,
            max=self._counted.get_max_value() / 1000,
        )

    def _count(self) -> None:
        while self._fresh:
            seconds, count = self._fresh.popleft()
            self._counted.record_value(min(_HIGHEST_US, max(_LOWEST_US, round(seconds * 1e6))), count)
