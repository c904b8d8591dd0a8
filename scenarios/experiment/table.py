"""The tables of an experiment."""

import math
from collections.abc import Sequence
from typing import Final

from scenarios.events import TableShown
from scenarios.experiment.design import Design
from scenarios.experiment.grid import Cell
from scenarios.experiment.interval import Estimate
from scenarios.experiment.summary import Summary
from scenarios.experiment.trial import Trial

#: Marks a cell that was not tried further because its trials agreed.
AGREED: Final = "*"


def cells_table(design: Design, cells: Sequence[Cell]) -> TableShown:
    """What is compared."""
    rows = tuple(
        (str(number), cell.policy, _settings(cell), cell.fault) for number, cell in enumerate(cells, 1)
    )
    load = f"{design.writes_per_second:,.6g} writes/s for {design.duration:g} s"
    title = f"{load}, after {design.warm_up:g} s that do not count"
    return TableShown("cells", title, ("cell", "policy", "settings", "fault"), rows)


def trials_table(trials: Sequence[Trial]) -> TableShown:
    """The trials with their figures and journals, in the order in which they were made."""
    columns = ("trial", "cell", "lost", "p50, ms", "p99, ms", "lag p99, ms", "journal")
    folder = next((trial.run.partition("/")[0] for trial in trials if trial.run), "")
    where = f"; journals are in {folder}/" if folder else ""
    return TableShown("trials", f"The trials{where}", columns, tuple(map(_trial, trials)))


def _trial(trial: Trial) -> tuple[str, ...]:
    figures = trial.figures if trial.valid else {}
    lost, lag = figures.get("lost"), figures.get("persist_lag_p99")
    times = (figures.get(name) for name in ("p50", "p99"))
    return (
        f"{trial.number}" if trial.outcome == "expected" else f"{trial.number}, {trial.outcome}",
        str(trial.cell),
        _whole(lost),
        *("-" if ms is None else f"{ms:,.2f}" for ms in times),
        _whole(lag),
        trial.run.rpartition("/")[2] or "-",
    )


def loss_table(summaries: Sequence[Summary]) -> TableShown:
    """What was lost, one row for each cell."""
    columns = ("cell", "trials", "median", "least", "most", "predicted", "possible", "writes/s")
    title = "Acknowledged writes that were lost"
    return TableShown("losses", title, columns, tuple(_loss(summary) for summary in summaries))


def time_table(summaries: Sequence[Summary]) -> TableShown:
    """How long writes took, one row for each cell."""
    columns = ("cell", "write p50", "write p99", "lag p50", "lag p99")
    title = "Times in ms: geometric mean of the trials (95 % confidence interval)"
    return TableShown("times", title, columns, tuple(_times(summary) for summary in summaries))


def _loss(summary: Summary) -> tuple[str, ...]:
    loss, trials = summary.loss, str(summary.valid)
    if not summary.enough:
        return (summary.label, f"{trials}: too few", *["-"] * 6)
    rate = summary.mean("writes_per_second")
    return (
        summary.label,
        trials,
        *(["-"] * 3 if loss is None else map(_whole, (loss.median, loss.least, loss.most))),
        *([_whole(loss.predicted), _whole(loss.bound)] if loss is not None else ["-"] * 2),
        _whole(rate),
    )


def _times(summary: Summary) -> tuple[str, ...]:
    return (
        f"{summary.label} {AGREED}" if summary.agreed else summary.label,
        *(_mean(summary.means.get(name), 2) for name in ("p50", "p99")),
        *(_mean(summary.means.get(name), 0) for name in ("persist_lag_p50", "persist_lag_p99")),
    )


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _mean(interval: Estimate | None, decimals: int) -> str:
    if interval is None:
        return "-"
    mean = f"{interval.estimate:,.{decimals}f}"
    if not math.isfinite(interval.high):
        return mean
    return f"{mean} ({interval.low:,.{decimals}f}-{interval.high:,.{decimals}f})"


def _settings(cell: Cell) -> str:
    return " ".join(f"{name}={value}" for name, value in cell.settings) or "-"


def told(count: int, noun: str) -> str:
    """ "1 cell", "3 cells"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> str:
    """ "40 s", "3 min 20 s": to 5 s, because it is a guess."""
    minutes, rest = divmod(5 * math.ceil(seconds / 5), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
