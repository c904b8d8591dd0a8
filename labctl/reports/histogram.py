"""Counts of durations in buckets that grow by a constant factor:
read from it, a quantile is up to 4 % too long, never too short, whatever the range."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

#: Each bucket's upper bound is this many times its lower one.
_FACTOR: Final = 1.04
_LOG_FACTOR: Final = math.log(_FACTOR)
#: Shorter ones count as this long, ms: no measurement over HTTP is that exact.
SHORTEST_MS: Final = 0.01


@dataclass(slots=True)
class Histogram:
    """Durations, ms."""

    _counts: Counter[int] = field(default_factory=Counter)
    #: The longest one, ms.
    longest: float = 0.0
    count: int = 0

    def add(self, ms: float) -> None:
        """Count one duration."""
        self.count += 1
        self._counts[math.ceil(math.log(max(ms, SHORTEST_MS)) / _LOG_FACTOR)] += 1
        self.longest = max(self.longest, ms)

    def merge(self, other: "Histogram") -> None:
        """Count all of another histogram."""
        self.count += other.count
        self._counts.update(other._counts)
        self.longest = max(self.longest, other.longest)

    def quantiles(self, shares: Sequence[float]) -> list[float | None]:
        """For each share of 1, the duration that so many do not exceed, ms; None where nothing was counted.

        Args:
            shares: In rising order.
        """
        found: list[float | None] = []
        reached, total = 0, self.count
        for bound, count in self.buckets():
            reached += count
            while len(found) < len(shares) and reached >= shares[len(found)] * total:
                found.append(min(bound, self.longest))
        return found or [None] * len(shares)

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Upper bound, ms, and count of each bucket that is not empty, the shortest first."""
        for index, count in sorted(self._counts.items()):
            yield _FACTOR**index, count

    def spread(self) -> Iterator[tuple[float, int]]:
        """The same for every bucket between the first and the last, the empty ones included."""
        if self._counts:
            for index in range(min(self._counts), max(self._counts) + 1):
                yield _FACTOR**index, self._counts[index]
