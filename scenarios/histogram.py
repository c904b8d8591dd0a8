"""Durations in an HDR histogram: every percentile to three digits, in little memory."""

from collections.abc import Iterator
from typing import Any, Final

from hdrh.histogram import HdrHistogram

_SIGNIFICANT_DIGITS: Final = 3


class Histogram:
    """Counts durations. A histogram is large: use one again rather than making many."""

    def __init__(self, *, longest_s: float) -> None:
        """
        Args:
            longest_s: Longer durations count as this one; those below 1 µs count as 1 µs.
        """
        self._longest_us = round(longest_s * 1e6)
        self._counts: Any = HdrHistogram(1, self._longest_us, _SIGNIFICANT_DIGITS)  # type: ignore[no-untyped-call]

    def record(self, seconds: float, count: int = 1) -> None:
        """Count a duration, `count` times."""
        self._counts.record_value(min(self._longest_us, max(1, round(seconds * 1e6))), count)

    def add(self, other: "Histogram") -> None:
        """Count what another one has counted, too."""
        self._counts.add(other._counts)

    def clear(self) -> None:
        """Begin again from nothing."""
        self._counts.reset()

    @property
    def count(self) -> int:
        """How many durations it has counted."""
        return int(self._counts.total_count)

    def percentiles_ms(self, *percents: float) -> list[float]:
        """The durations that these shares in % do not exceed, in ms; only if anything was counted."""
        values: dict[float, int] = self._counts.get_percentile_to_value_dict(list(percents))
        return [values[percent] / 1000 for percent in percents]

    def max_ms(self) -> float:
        """The longest, in ms."""
        return float(self._counts.get_max_value()) / 1000

    def counted_us(self) -> Iterator[tuple[int, int]]:
        """Every duration that was counted, in µs to three digits, and how often."""
        for step in self._counts.get_recorded_iterator():
            yield step.value_iterated_to, step.count_added_in_this_iter_step
