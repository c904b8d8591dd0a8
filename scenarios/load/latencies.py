"""Latencies in an HDR histogram: every percentile to three digits, in little memory."""

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from hdrh.histogram import HdrHistogram

_LOWEST: Final = 1
#: µs. What took longer counts as this much.
_HIGHEST: Final = 60_000_000
_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Percentiles:
    """ms; all zero where nothing was recorded."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0


class Latencies:
    """One thread records, another one reads.

    The recording thread only appends: counting, which costs forty times as much, is the reader's.
    """

    def __init__(self) -> None:
        self._fresh: deque[tuple[float, int]] = deque()
        self._counted: Any = HdrHistogram(_LOWEST, _HIGHEST, _DIGITS)  # type: ignore[no-untyped-call]

    def record(self, seconds: float, count: int = 1) -> None:
        self._fresh.append((seconds, count))

    def percentiles(self) -> Percentiles:
        """Of everything recorded so far."""
        self._count()
        if not self._counted.total_count:
            return Percentiles()
        found: dict[float, int] = self._counted.get_percentile_to_value_dict([50, 95, 99])
        return Percentiles(
            p50=found[50] / 1000,
            p95=found[95] / 1000,
            p99=found[99] / 1000,
            max=self._counted.get_max_value() / 1000,
        )

    def _count(self) -> None:
        while self._fresh:
            seconds, count = self._fresh.popleft()
            self._counted.record_value(min(_HIGHEST, max(_LOWEST, round(seconds * 1e6))), count)
