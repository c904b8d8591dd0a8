"""The figures of a trial, from its journal.

Rates and times are of the steady part of the load: what was due after the ramp up, before anything was broken
and before the ramp down. The loss is of the whole trial.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scenarios.events import LoadSampled, Measured
from scenarios.experiment.trial import BOUND, PREDICTED
from scenarios.journal.judgement import judge_journal
from scenarios.journal.reader import Journal, open_journal
from scenarios.judge.checks.fates import Judged
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag, Lags
from scenarios.load.latencies import Latencies
from scenarios.load.phases import HOLD


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a run, s since the run began."""

    begin: float
    end: float

    def holds(self, at: float) -> bool:
        """Whether that moment belongs to it."""
        return self.begin <= at < self.end


def measure(journal: Path, *, broken_at: float = math.inf) -> dict[str, float]:
    """What a trial measured, by the names of `scenarios.experiment.trial`. What its journal does not say is
    left out.

    Args:
        broken_at: When the first fault was due, s since the load began.

    Raises:
        StateUnusable: the journal can't be read.
    """
    return dict(_figures(open_journal(journal), broken_at))


def _figures(journal: Journal, broken_at: float) -> Iterator[tuple[str, float]]:
    steady, predicted = _look_through(journal, broken_at)
    yield from predicted.items()
    lags = Lags()

    def take(write: Write, judged: Judged, lag: Lag | None) -> None:
        if lag is not None and steady is not None and steady.holds(write.sent_at):
            lags.add(lag)

    verdict = judge_journal(journal, take)
    if verdict.validity != "unknown":
        yield "lost", verdict.fates["lost"]
        yield "acknowledged", verdict.acknowledged
    if steady is not None:
        yield from _of_writes(journal, steady)
    if (lag := lags.summary()) is not None:
        yield "persist_lag_p50", lag.p50_ms
        yield "persist_lag_p99", lag.p99_ms
        yield "persist_lag_max", lag.max_ms


def _look_through(journal: Journal, broken_at: float) -> tuple[Span | None, dict[str, float]]:
    """The steady part, None if there is none; and what was predicted of the loss."""
    began_at, first, last = math.inf, math.inf, 0.0
    predicted: dict[str, float] = {}
    for at, event in journal.events():
        match event:
            case LoadSampled(elapsed=elapsed, phase=phase):
                began_at = min(began_at, at - elapsed)
                if phase == HOLD and elapsed <= broken_at:
                    first, last = min(first, elapsed), max(last, elapsed)
            case Measured(key, _, int() | float() as value) if key in (PREDICTED, BOUND):
                predicted[key] = float(value)
            case _:
                pass
    if first >= last:
        return None, predicted
    return Span(began_at + first, began_at + min(last, broken_at)), predicted


def _of_writes(journal: Journal, steady: Span) -> Iterator[tuple[str, float]]:
    latencies, acknowledged = Latencies(), 0
    for write in journal.writes():
        if not steady.holds(write.begun):
            continue
        # A write without an answer took at least as long as was waited for it.
        if write.answer != "refused":
            latencies.record("write", HOLD, write.finished - write.begun)
        acknowledged += write.answer == "acknowledged"
    yield "writes_per_second", acknowledged / (steady.end - steady.begin)
    if acknowledged:
        percentiles = latencies.percentiles()
        yield "p50", percentiles.p50
        yield "p99", percentiles.p99
