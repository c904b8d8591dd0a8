"""The charts of a run as data: the page, and the terminal, each draw them in their own way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from labctl.render.text.figures import figure, measure
from labctl.reports.measurements import Durations, Measurements, Queue
from labctl.reports.run_report import RunReport
from scenarios.events import ChartShown, Curve, Distributed
from scenarios.judge.ledger import Answer

#: A sample is taken four times a second.
_LONGEST_STEP_S: Final = 1.0
_SHARES: Final = (0.5, 0.95, 0.99)
_ANSWERS: Final[dict[Answer, str]] = {
    "acknowledged": "acknowledged",
    "refused": "refused",
    "unknown": "no answer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    key: str
    title: str
    #: What it says and how it was measured, in a sentence or two.
    caption: str
    x: tuple[float, ...]
    x_label: str = "s since the run began"
    #: Whether x is time: then the bands of the run's steps lie behind it.
    timed: bool = True
    unit: str
    series: tuple[Curve, ...]
    #: Whether the values, or (if x is not time) x, are on a logarithmic scale.
    log: bool = False

    def summary(self) -> str:
        """What the chart shows, in words: the highest value of each series, and where it is."""
        said = []
        for series in self.series:
            known = [(value, x) for x, value in zip(self.x, series.values, strict=True) if value is not None]
            if known:
                value, x = max(known, key=lambda pair: pair[0])
                place = measure(x, "s" if self.timed else "ms")
                said.append(f"{series.label}: at most {measure(value, self.unit)}, at {place}")
        return f"{self.title}. {'; '.join(said)}."


def shown(chart: Chart) -> ChartShown:
    """The chart as an event, for a terminal."""
    return ChartShown(
        key=chart.key,
        title=chart.title,
        x=chart.x,
        x_label=chart.x_label,
        unit=chart.unit,
        curves=chart.series,
        log_x=chart.log and not chart.timed,
        log_y=chart.log and chart.timed,
    )


def charts_of(report: RunReport) -> list[Chart]:
    """The charts that have data."""
    measured = report.measurements
    found = [
        _queue(measured),
        _rates(measured),
        _latency(measured),
        _write_distribution(measured),
        *_distributions(report.record.distributions),
        _persist_lag(measured.persist_lag),
    ]
    return [chart for chart in found if chart is not None]


def _queue(measured: Measurements) -> Chart | None:
    slices = [held for _, held in measured.queue.slices()]
    if not slices:
        return None
    lines = {
        "waiting": [held.waiting for held in slices],
        "in flight": [held.inflight for held in slices],
        "retrying": [held.retrying for held in slices],
        "dead letters": [held.dead_letters for held in slices],
    }
    shown = {name: values for name, values in lines.items() if name == "waiting" or any(values)}
    x, columns = _with_gaps([held.at for held in slices], list(shown.values()), measured.queue.width)
    return Chart(
        key="queue",
        title="Queue depth",
        caption="Products whose last write is only in Redis. "
        f"The most that was seen in each {measure(measured.queue.width, 's')}.",
        x=x,
        unit="products",
        series=tuple(Curve(name, column) for name, column in zip(shown, columns, strict=True)),
    )


def _rates(measured: Measurements) -> Chart | None:
    slices = [held for _, held in measured.queue.slices()]
    # What was counted while Redis did not answer may be gone: that is no rate.
    longest = _longest_step(measured.queue.width)
    pairs = [(one, other) for one, other in pairwise(slices) if 0 < other.at - one.at <= longest]
    if not pairs:
        return None
    rates = [
        [_rate(a, b, b.accepted - a.accepted) for a, b in pairs],
        [_rate(a, b, b.coalesced - a.coalesced) for a, b in pairs],
        [_rate(a, b, b.persisted - a.persisted) for a, b in pairs],
    ]
    x, columns = _with_gaps([other.at for _, other in pairs], rates, measured.queue.width)
    names = ("accepted", "coalesced", "persisted")
    return Chart(
        key="rates",
        title="Accepted, coalesced, persisted",
        caption="Writes that the service accepted, writes that replaced one still waiting, and rows that "
        "the worker wrote, per second.",
        x=x,
        unit="per second",
        series=tuple(Curve(name, column) for name, column in zip(names, columns, strict=True)),
    )


def _rate(one: Queue, other: Queue, risen: int) -> float | None:
    # Totals that began again say nothing of what was counted in between.
    return None if risen < 0 else significant(risen / (other.at - one.at))


def _longest_step(width: float) -> float:
    """Points further apart than this, in s, are not joined by a line: nothing was seen in between."""
    return max(3 * width, _LONGEST_STEP_S)


def _with_gaps(
    moments: Sequence[float], columns: Sequence[Sequence[float | None]], width: float
) -> tuple[tuple[float, ...], list[tuple[float | None, ...]]]:
    """The same points, with one that has no values wherever nothing was seen for a while.

    Args:
        width: Of the slices of time that the points are of, s.
    """
    x: list[float] = []
    rows: list[tuple[float | None, ...]] = []
    for at, row in zip(moments, zip(*columns, strict=True), strict=True):
        if x and at - x[-1] > _longest_step(width):
            x.append((x[-1] + at) / 2)
            rows.append((None,) * len(columns))
        x.append(at)
        rows.append(row)
    return tuple(round(at, 3) for at in x), list(zip(*rows, strict=True))


def _latency(measured: Measurements) -> Chart | None:
    acknowledged = measured.latency.get("acknowledged")
    if acknowledged is None:
        return None
    parts = {_ANSWERS[answer]: durations for answer, durations in measured.latency.items()}
    if all(durations.each for durations in parts.values()):
        x, series = _each(parts)
        caption = "From when a write was due to its answer. Each point is one write."
    else:
        x, series = _quantiles(acknowledged)
        caption = (
            "From when a write was due to its acknowledgement. "
            f"Quantiles of each {measure(acknowledged.over_time.width, 's')}."
        )
    return Chart(
        key="latency",
        title="Acknowledgement latency over time",
        caption=f"{caption} Logarithmic scale.",
        x=x,
        unit="ms",
        series=series,
        log=True,
    )


def _persist_lag(lag: Durations) -> Chart | None:
    if not lag.whole.count:
        return None
    what = "From a write's acknowledgement until its row was seen in PostgreSQL, by when it was acknowledged."
    if lag.each:
        x, series = _each({"persist lag": lag})
        how = "Each point is one write."
    else:
        x, series = _quantiles(lag)
        how = f"Quantiles of each {measure(lag.over_time.width, 's')}."
    return Chart(
        key="persist_lag",
        title="Persist lag",
        caption=f"{what} {how} Logarithmic scale.",
        x=x,
        unit="ms",
        series=series,
        log=True,
    )


def _each(parts: dict[str, Durations]) -> tuple[tuple[float, ...], tuple[Curve, ...]]:
    points = sorted((at, ms, label) for label, durations in parts.items() for at, ms in durations.each)
    return tuple(round(at, 3) for at, *_ in points), tuple(
        Curve(label, tuple(significant(ms) if whose == label else None for _, ms, whose in points), "points")
        for label in parts
    )


def _quantiles(durations: Durations) -> tuple[tuple[float, ...], tuple[Curve, ...]]:
    slices = list(durations.over_time.slices())
    found = [(*held.quantiles(_SHARES), held.longest) for _, held in slices]
    columns = [
        [None if value is None else significant(value) for value in column]
        for column in zip(*found, strict=True)
    ]
    x, shown = _with_gaps([at for at, _ in slices], columns, durations.over_time.width)
    return x, tuple(
        Curve(name, column) for name, column in zip(("p50", "p95", "p99", "max"), shown, strict=True)
    )


def _write_distribution(measured: Measurements) -> Chart | None:
    acknowledged = measured.latency.get("acknowledged")
    if acknowledged is None:
        return None
    p50, p95, p99 = (measure(significant(ms or 0.0), "ms") for ms in acknowledged.whole.quantiles(_SHARES))
    caption = (
        f"Of {figure(acknowledged.whole.count)} acknowledged writes, half took at most {p50}, 95 % at most "
        f"{p95}, 99 % at most {p99}, the slowest {measure(significant(acknowledged.whole.longest), 'ms')}."
    )
    lines = {
        _ANSWERS[answer]: dict(durations.whole.spread()) for answer, durations in measured.latency.items()
    }
    return _distribution("latency_distribution", "Distribution of write latency", caption, "writes", lines)


def _distributions(measured: Sequence[Distributed]) -> Iterator[Chart]:
    """A chart for each kind, with a line for each phase: `read_latency_hold` and `read_latency_outage`."""
    for kind, what in (("read", "reads"), ("write", "writes")):
        mine = [one for one in measured if one.key.startswith(f"{kind}_latency") and one.unit == "ms"]
        lines = {one.label: dict(one.buckets) for one in mine if any(count for _, count in one.buckets)}
        if lines:
            caption = f"Latency of {what} as the load generator measured it, each phase separately."
            yield _distribution(f"{kind}_latency", f"Latency of {what} by phase", caption, what, lines)


def _distribution(key: str, title: str, caption: str, unit: str, lines: dict[str, dict[float, int]]) -> Chart:
    x = sorted({bound for line in lines.values() for bound in line if bound > 0})
    return Chart(
        key=key,
        title=title,
        caption=f"{caption} Logarithmic scale.",
        x=tuple(map(significant, x)),
        x_label="ms",
        timed=False,
        unit=unit,
        series=tuple(
            Curve(label, tuple(line.get(bound, 0) for bound in x), "steps") for label, line in lines.items()
        ),
        log=True,
    )


def significant(value: float) -> float:
    """The value to four digits: no measurement here is more exact, and a page is shorter."""
    return float(f"{value:.4g}")
