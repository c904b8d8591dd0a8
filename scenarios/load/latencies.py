"""Latencies in HDR histograms: every percentile to three digits, in little memory."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from scenarios.histogram import Histogram
from scenarios.load.phases import Phase

Kind = Literal["write", "read"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

#: Longer latencies count as this one.
_LONGEST_S: Final = 60.0
#: Buckets of a distribution for each factor of 10.
_BUCKETS_PER_DECADE: Final = 10


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles in ms; all zero if nothing was recorded."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0
    #: How many latencies they are of.
    count: int = 0


class Latencies:
    """One thread records, another one reads.

    The recording thread only appends. Counting costs forty times as much and is left to the reader.
    """

    def __init__(self) -> None:
        self._fresh: deque[tuple[Kind, Phase, float, int]] = deque()
        self._counted: dict[tuple[Kind, Phase], Histogram] = {}
        #: Where they are added up. A histogram is large, and would not be freed at once.
        self._sum = _histogram()

    def record(self, kind: Kind, phase: Phase, seconds: float, count: int = 1) -> None:
        """Take in a latency, which `count` requests had."""
        self._fresh.append((kind, phase, seconds, count))

    def percentiles(self, kind: Kind | None = None, phase: Phase | None = None) -> Percentiles:
        """The percentiles of everything recorded so far.

        Args:
            kind: Only of these requests; None: of all.
            phase: Only of this phase; None: of all.
        """
        merged = self._merged(kind, phase)
        if not merged.count:
            return Percentiles()
        p50, p95, p99 = merged.percentiles_ms(50, 95, 99)
        return Percentiles(p50, p95, p99, max=merged.max_ms(), count=merged.count)

    def distribution(self, kind: Kind, phase: Phase) -> tuple[tuple[float, int], ...]:
        """How many latencies lie in each bucket: its upper bound in ms, and the count.

        The buckets grow by the same factor, and none is left out between the first and the last.
        """
        return in_buckets(self._merged(kind, phase).counted_us())

    def _merged(self, kind: Kind | None, phase: Phase | None) -> Histogram:
        self._count()
        self._sum.clear()
        for (of_kind, of_phase), histogram in self._counted.items():
            if kind in (None, of_kind) and phase in (None, of_phase):
                self._sum.add(histogram)
        return self._sum

    def _count(self) -> None:
        while self._fresh:
            kind, phase, seconds, count = self._fresh.popleft()
            histogram = self._counted.get((kind, phase))
            if histogram is None:
                histogram = self._counted[kind, phase] = _histogram()
            histogram.record(seconds, count)


def _histogram() -> Histogram:
    return Histogram(longest_s=_LONGEST_S)


def in_buckets(counted: Iterable[tuple[int, int]]) -> tuple[tuple[float, int], ...]:
    """Counts by value as counts by bucket, each with its upper bound.

    Args:
        counted: Values in µs, each with its count.

    Returns:
        Upper bounds in ms, to three digits, rising by a factor of 10^(1/10), and the counts.

    >>> in_buckets([(1000, 2), (1600, 1)])
    ((1.0, 2), (1.26, 0), (1.58, 0), (2.0, 1))
    """
    counts: dict[int, int] = {}
    for value_us, count in counted:
        bucket = _bucket(value_us / 1000)
        counts[bucket] = counts.get(bucket, 0) + count
    if not counts:
        return ()
    return tuple((_bound(n), counts.get(n, 0)) for n in range(min(counts), max(counts) + 1))


def _bucket(value: float) -> int:
    """The first bucket whose bound is not below the value. Bounds are rounded, which may move it by one."""
    near = math.ceil(_BUCKETS_PER_DECADE * math.log10(value))
    return next(bucket for bucket in range(near - 1, near + 2) if value <= _bound(bucket))


def _bound(bucket: int) -> float:
    return float(f"{10 ** (bucket / _BUCKETS_PER_DECADE):.3g}")
