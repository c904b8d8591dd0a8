"""How long acknowledged writes were only in Redis: the recovery point, measured. Pure functions."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from scenarios.judge.checks.fates import Judged
from scenarios.judge.history import Sightings
from scenarios.judge.ledger import Write

_WORST_LISTED: Final = 8


@dataclass(frozen=True, slots=True)
class Lag:
    """One write: from its acknowledgement to the poll that showed its row, or a newer one of its product."""

    write: Write
    ms: float
    #: By how much the measurement may be too long, ms: the time since the poll before, which did not show it.
    resolution_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistLag:
    """The lags of the writes that reached PostgreSQL, or were replaced by one that did."""

    count: int
    #: Percentiles to the ms: the measurement is no more exact than that.
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    #: The error of the measurement, ms: for 95 % of the rows, the polls around it were no further apart.
    resolution_ms: float
    #: The slowest first.
    worst: tuple[Lag, ...]


def lag_of(sightings: Sightings, write: Write, judged: Judged) -> Lag | None:
    """The lag of one acknowledged write; None if no poll saw it arrive."""
    if judged.fate not in ("persisted", "superseded"):
        return None
    first = next(iter(sightings.since(judged.product, judged.version)), None)
    if first is None:
        return None
    before = max(first.asked, first.poll - 1)
    if not 0 <= before < len(sightings.polls):
        # A history that was changed by hand: nothing is known about when.
        return None
    resolution = first.at - max(sightings.polls[before], min(write.finished_at, first.at))
    return Lag(write, max(0.0, 1000 * (first.at - write.finished_at)), 1000 * resolution)


@dataclass(slots=True)
class Lags:
    """Gathers lags, one by one, in little memory."""

    #: How many there are of each length, and of each resolution, ms.
    _ms: Counter[int] = field(default_factory=Counter)
    _resolutions: Counter[int] = field(default_factory=Counter)
    #: A heap, the quickest first.
    _worst: list[tuple[float, int, Lag]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(0, -1))

    def add(self, lag: Lag) -> None:
        """Take in one lag."""
        self._ms[round(lag.ms)] += 1
        self._resolutions[round(lag.resolution_ms)] += 1
        # Of several that are equally slow, the first stays.
        entry = (lag.ms, next(self._numbers), lag)
        if len(self._worst) < _WORST_LISTED:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def summary(self) -> PersistLag | None:
        """All that was gathered; None if that is nothing."""
        if not self._worst:
            return None
        worst = tuple(lag for *_, lag in sorted(self._worst, reverse=True))
        p50, p95, p99 = percentiles(self._ms, (50, 95, 99))
        return PersistLag(
            count=self._ms.total(),
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            max_ms=worst[0].ms,
            resolution_ms=percentiles(self._resolutions, (95,))[0],
            worst=worst,
        )


def percentiles(counts: Mapping[int, int], percents: Sequence[float]) -> list[int]:
    """For each percentage, the smallest value that is not exceeded by that many of them.

    Args:
        counts: How often each value occurs; at least one does.
        percents: In rising order.
    """
    total, reached, found = sum(counts.values()), 0, list[int]()
    for value, times in sorted(counts.items()):
        reached += times
        while len(found) < len(percents) and 100 * reached >= total * percents[len(found)]:
            found.append(value)
    return found
