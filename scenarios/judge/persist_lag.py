"""How long acknowledged writes were only in Redis: the recovery point, measured. A pure function."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from scenarios.judge.checks.fates import Judged
from scenarios.judge.history import History
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import Verdict

_WORST_LISTED: Final = 8


@dataclass(frozen=True, slots=True)
class Lag:
    """One write: from its acknowledgement to the poll that showed its row, or a newer one of its product."""

    write: Write
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistLag:
    """The lags of the writes that reached PostgreSQL, or were replaced by one that did."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    #: The error of the measurement, ms: for 95 % of the rows, the polls around it were no further apart.
    resolution_ms: float
    #: The slowest first.
    worst: tuple[Lag, ...]


def persist_lag(
    history: History, verdict: Verdict, of: Callable[[Write], bool] = lambda write: True
) -> PersistLag | None:
    """The lags of acknowledged writes.

    Args:
        of: Chooses the writes.

    Returns:
        None if no poll saw one of them arrive.
    """
    acknowledged = [write for write in history.writes if write.answer == "acknowledged"]
    lags, resolutions = [], []
    for write, judged in zip(acknowledged, verdict.judged, strict=True):
        arrival = _arrival(history, write, judged) if of(write) else None
        if arrival is not None:
            at, resolution = arrival
            lags.append(Lag(write, max(0.0, 1000 * (at - write.finished_at))))
            resolutions.append(1000 * resolution)
    if not lags:
        return None
    lags.sort(key=lambda lag: -lag.ms)
    times = [lag.ms for lag in reversed(lags)]
    return PersistLag(
        count=len(lags),
        p50_ms=_percentile(times, 50),
        p95_ms=_percentile(times, 95),
        p99_ms=_percentile(times, 99),
        max_ms=times[-1],
        resolution_ms=_percentile(sorted(resolutions), 95),
        worst=tuple(lags[:_WORST_LISTED]),
    )


def _arrival(history: History, write: Write, judged: Judged) -> tuple[float, float] | None:
    """When the write, or a newer one, was first seen, and how long before that the last poll was, s."""
    if judged.fate not in ("persisted", "superseded"):
        return None
    sightings = history.sightings
    first = next(iter(sightings.since(judged.product, judged.version)), None)
    if first is None:
        return None
    before = max(first.asked, first.poll - 1)
    return first.at, first.at - max(sightings.polls[before], min(write.finished_at, first.at))


def _percentile(rising: Sequence[float], percent: float) -> float:
    """The smallest value that is not exceeded by `percent` % of them."""
    return rising[max(0, math.ceil(len(rising) * percent / 100) - 1)]
