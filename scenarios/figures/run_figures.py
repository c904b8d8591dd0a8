"""All named figures of one run, from its journal."""

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from scenarios.events import Checked, Event
from scenarios.figures.bootstrap import Draws, draw_percentile, draw_rate, percentile
from scenarios.figures.gather import Gathered
from scenarios.figures.names import FIGURES, About
from scenarios.figures.series import Series
from scenarios.journal.judgement import judging
from scenarios.journal.lines import AnyLine, Environment
from scenarios.journal.partition import Partition
from scenarios.journal.reader import Journal
from scenarios.judge.checks.fates import Judged
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag, percentiles
from scenarios.judge.verdict import Verdict

_PERCENTS: Final[Mapping[str, float]] = {"p50": 50, "p95": 95, "p99": 99}
_LAG: Final = "persist_lag_"
_RATE: Final = "writes_per_second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of one run."""

    name: str
    #: ms, or as many of its unit; None: it was not measured.
    value: float | None
    #: Its value if every undetermined write counts.
    at_most: float | None = None
    #: From how many values it was made; None: unknown.
    samples: int | None = None
    #: Of how many it is a share; None: it is not one.
    whole: int | None = None
    #: Why it was not measured; empty if it was.
    missing: str = ""

    @property
    def about(self) -> About:
        return FIGURES[self.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What one run measured."""

    environment: Environment
    #: Every name of `FIGURES`, in that order.
    figures: Mapping[str, Figure]
    #: What was predicted and checked, by claim.
    checks: Mapping[str, Checked]
    verdict: Verdict
    latencies: Series
    acknowledgements: Series
    lags: Series
    #: How exact lags are, ms: 95 % of the rows were looked for at least as often.
    lag_resolution_ms: float
    #: Whether requests were never sent: they are in the percentiles, but not in the journal.
    unsent: bool

    def draws(self, name: str, *, side: int = 0) -> Draws | None:
        """How the figure could have turned out by chance.

        Args:
            side: 0, or 1 for the other side of a comparison.

        Returns:
            None if that can't be said: the figure is one of those that were only counted, or there is too
            little of it.
        """
        if name == _RATE:
            return draw_rate(self.acknowledgements, side=side)
        percent, lag = _PERCENTS.get(name.removeprefix(_LAG)), name.startswith(_LAG)
        if percent is None or (self.unsent and not lag):
            return None
        return draw_percentile(self.lags if lag else self.latencies, percent, side=side)

    def resolution_ms(self, name: str) -> float:
        """How exactly the figure is measured; 0: as exactly as it is shown."""
        return self.lag_resolution_ms if name.startswith(_LAG) else 0.0


def has_interval(name: str) -> bool:
    """Whether a journal holds what it takes to say how certain that figure is, if there is enough of it."""
    return name == _RATE or name.removeprefix(_LAG) in _PERCENTS


class Onlooker(Protocol):
    """Looks at a journal while its figures are computed."""

    def take(self, line: AnyLine) -> None:
        """Look at the next line."""
        ...

    def take_judged(self, judged: Judged) -> None:
        """Look at what became of an acknowledged write, after the last line."""
        ...


def run_figures(journal: Journal, onlooker: Onlooker | None = None) -> RunFigures:
    """Compute every figure of a run. Goes through the journal, and judges it.

    Raises:
        StateUnusable: the file can't be read.
    """
    computing = compute_figures(journal, onlooker)
    while True:
        try:
            next(computing)
        except StopIteration as end:
            figures: RunFigures = end.value
            return figures


def compute_figures(journal: Journal, onlooker: Onlooker | None = None) -> Generator[Event, None, RunFigures]:
    """The same, which shows how far it is if there is much to judge."""
    gathered, lags = Gathered(), _Lags(onlooker)
    for line in journal.lines():
        gathered.take(line)
        if onlooker is not None:
            onlooker.take(line)
    with Partition(journal) as partition:
        verdict = yield from judging(partition, lags.take)
    found = {
        figure.name: figure
        for figure in (
            *_latencies(gathered),
            *_reads(gathered),
            *_lag_figures(lags.series),
            *_rates(gathered),
            *_counts_of(verdict, gathered),
            *_counted(gathered),
        )
    }
    return RunFigures(
        environment=journal.environment,
        figures={name: found[name] for name in FIGURES},
        checks=gathered.checks,
        verdict=verdict,
        latencies=gathered.latencies,
        acknowledgements=gathered.acknowledgements,
        lags=lags.series,
        lag_resolution_ms=lags.resolution_ms,
        unsent=bool(gathered.number("unsent")),
    )


@dataclass(slots=True)
class _Lags:
    onlooker: Onlooker | None
    series: Series = field(default_factory=Series)
    #: How many lags have each resolution, ms.
    _resolutions: Counter[int] = field(default_factory=Counter)

    def take(self, write: Write, judged: Judged, lag: Lag | None) -> None:
        if self.onlooker is not None:
            self.onlooker.take_judged(judged)
        if lag is not None:
            self.series.add(write.finished_at, lag.ms)
            self._resolutions[round(lag.resolution_ms)] += 1

    @property
    def resolution_ms(self) -> float:
        """95 % of the lags are known at least as exactly; 0 if there are none."""
        return percentiles(self._resolutions, (95,))[0] if self._resolutions else 0.0


def _figure(
    name: str,
    value: float | None,
    missing: str,
    *,
    samples: int | None = None,
    at_most: float | None = None,
    whole: int | None = None,
) -> Figure:
    """A figure; of no samples, or without a value, it is missing."""
    if value is None or samples == 0:
        return Figure(name=name, value=None, samples=samples, missing=missing)
    most = value if at_most is None else at_most
    return Figure(name=name, value=value, at_most=most, samples=samples, whole=whole)


def _latencies(gathered: Gathered) -> list[Figure]:
    """As the run measured them, if it did: those include requests that were due and never sent."""
    series = gathered.latencies
    found = []
    for name in (*_PERCENTS, "max"):
        measured = gathered.number(f"{name}_ms")
        value = _of(series, name) if measured is None else measured
        # If nothing was answered, the percentiles are only of requests that were never sent.
        found.append(_figure(name, value, "no write was timed", samples=series.count or None))
    return found


def _reads(gathered: Gathered) -> list[Figure]:
    return [
        _figure(f"read_{name}", gathered.number(f"read_{name}_ms"), "no read was timed")
        for name in (*_PERCENTS, "max")
    ]


def _lag_figures(series: Series) -> list[Figure]:
    missing = "no write was seen to arrive in PostgreSQL"
    values = {name: _of(series, name) for name in (*_PERCENTS, "max")}
    return [
        _figure(f"{_LAG}{name}", None if ms is None else round(ms), missing, samples=series.count)
        for name, ms in values.items()
    ]


def _of(series: Series, which: str) -> float | None:
    if which == "max":
        return series.most_ms if series.count else None
    value = percentile(series, _PERCENTS[which])
    # Values are rounded; a percentile above the maximum would only confuse.
    return None if value is None else min(value, series.most_ms)


def _rates(gathered: Gathered) -> list[Figure]:
    acknowledged, rate = gathered.answers["acknowledged"], gathered.number(_RATE)
    if rate is None and gathered.seconds:
        rate = round(acknowledged / gathered.seconds, 1)
    return [
        _figure("throughput", gathered.number("requests_per_second"), "only a load has a throughput"),
        _figure(_RATE, rate, "no write was acknowledged", samples=acknowledged),
    ]


def _counts_of(verdict: Verdict, gathered: Gathered) -> list[Figure]:
    """What the verdict counts. Of no acknowledged writes, none can be lost, and none safe."""
    acknowledged, unclear = verdict.acknowledged, verdict.fates["undetermined"]
    missing = "no write was acknowledged"

    def fate(name: str, count: int) -> Figure:
        return _figure(
            name, count, missing, samples=acknowledged, whole=acknowledged, at_most=count + unclear
        )

    counts = {"dead_lettered": verdict.fates["dead_lettered"], "pending": verdict.fates["pending"]}
    return [
        fate("lost", verdict.fates["lost"]),
        _figure(
            "lost_products",
            len(verdict.lost_products),
            missing,
            samples=acknowledged,
            at_most=len(verdict.lost_products) + unclear,
        ),
        _figure("undetermined", unclear, missing, samples=acknowledged, whole=acknowledged),
        *(fate(name, count) for name, count in counts.items()),
        *_answers(gathered),
    ]


def _answers(gathered: Gathered) -> list[Figure]:
    total = gathered.answers.total()
    return [
        _figure(name, gathered.answers[name], "nothing was written", samples=total, whole=total)
        for name in ("acknowledged", "refused", "unknown")
    ]


def _counted(gathered: Gathered) -> list[Figure]:
    requests, reads = _whole(gathered, "requests"), _whole(gathered, "reads")
    # A load that sent all of its requests does not mention it.
    unsent = _whole(gathered, "unsent") or 0
    due = None if requests is None else requests + unsent
    accepted = gathered.answers["acknowledged"]
    coalesced, rows = gathered.number("coalesced"), gathered.number("rows_written")
    unseen = "Redis was not watched"
    return [
        _figure("errors", gathered.number("errors"), "no request was sent", samples=requests, whole=requests),
        _figure(
            "unsent",
            None if requests is None else unsent,
            "only a load has requests that are due",
            samples=due,
            whole=due,
        ),
        _figure(
            "stale_reads", gathered.number("stale_reads"), "nothing was read", samples=reads, whole=reads
        ),
        _figure("queue_max", gathered.queue_max, unseen),
        _figure("coalesced", gathered.coalesced if coalesced is None else coalesced, unseen, whole=accepted),
        _figure("persisted", gathered.persisted if rows is None else rows, unseen),
    ]


def _whole(gathered: Gathered, key: str) -> int | None:
    value = gathered.number(key)
    return None if value is None else int(value)
