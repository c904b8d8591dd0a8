"""What an experiment found, in sentences."""

from collections.abc import Iterator, Sequence
from typing import Final

from scenarios.experiment.design import NO_FAULT, Design
from scenarios.experiment.grid import Cell
from scenarios.experiment.interval import Estimate, ratio_of
from scenarios.experiment.summary import Loss, Summary
from scenarios.experiment.trial import Trial

#: Trials of the same cell differ by less than this on a machine that is not busy with anything else.
_STEADY_FACTOR: Final = 3.0

#: A load that reaches less than this share of its rate is more than the lab can take.
_KEPT_UP_SHARE: Final = 0.98


def answer(
    design: Design, cells: Sequence[Cell], summaries: Sequence[Summary], trials: Sequence[Trial]
) -> tuple[str, ...]:
    """The sentences: what was lost, what acknowledgements cost, and what can't be said.

    Args:
        summaries: Of the cells, in their order.
    """
    told = list(zip(cells, summaries, strict=True))
    return (
        *(_loss(design, cell, summary) for cell, summary in told if summary.enough),
        *_costs(told),
        *(_missing(summary) for _, summary in told if not summary.enough),
        *(_overload(design, summary) for summary in summaries if _is_overloaded(design, summary)),
        *_noise(summaries),
        *_surprises(trials),
    )


def _loss(design: Design, cell: Cell, summary: Summary) -> str:
    subject = f"{_upper(summary.label)}: {_fault(cell)}"
    loss, trials = summary.loss, _trials(summary.valid)
    if loss is None:
        return f"{subject}; how much was lost is unknown."
    if not loss.most:
        return f"{subject} lost none, in {trials}."
    rate = summary.mean("writes_per_second") or design.writes_per_second
    spread = f"least {loss.least:,}, most {loss.most:,}, {trials}" if summary.valid > 1 else trials
    bound, typical = _bound(loss), "a median of " if summary.valid > 1 else ""
    return (
        f"{subject} lost {typical}{loss.median:,.0f} acknowledged writes at {rate:,.0f} a second "
        f"({spread}{bound})."
    )


def _bound(loss: Loss) -> str:
    if loss.predicted is None or loss.bound is None:
        return ""
    return f"; {loss.predicted:,.0f} were predicted, and {loss.bound:,.0f} possible"


def _fault(cell: Cell) -> str:
    if cell.fault == NO_FAULT:
        return "a load without a fault"
    # Whatever else breaks with it, that is what costs writes.
    if cell.fault.startswith("redis:kill") and len(cell.faults) == 1:
        return "a crash of Redis"
    return f"the fault {cell.fault}"


def _costs(told: Sequence[tuple[Cell, Summary]]) -> Iterator[str]:
    """How p99 differs from that of the first cell with the same fault."""
    first: dict[str, Summary] = {}
    for cell, summary in told:
        if not summary.enough or not summary.values.get("p99"):
            continue
        base = first.setdefault(cell.fault, summary)
        if base is not summary:
            yield _cost(summary, base)


def _cost(summary: Summary, base: Summary) -> str:
    here, there = summary.mean("p99"), base.mean("p99")
    lead = f"{_upper(summary.label)}: p99 of writes"
    if here is None or there is None:
        return f"{lead} can't be compared."
    figures = f"{here:,.2f} ms against {there:,.2f} ms with {base.label}"
    ratio = ratio_of(summary.values["p99"], base.values["p99"])
    if ratio is None:
        return f"{lead} was {figures}; so few trials can't tell a difference from noise."
    times = _times(ratio, agreed=summary.agreed or base.agreed)
    if ratio.low <= 1 <= ratio.high:
        return f"{lead} was {figures}: no difference that can be told from noise ({times})."
    return f"{lead} was {figures}: {'slower' if ratio.estimate > 1 else 'quicker'} ({times})."


def _times(ratio: Estimate, *, agreed: bool) -> str:
    # Trials that agree by chance make an interval too narrow, so it is not one of 95 %.
    interval = "about" if agreed else "95 % interval"
    return f"{ratio.estimate:.2f} times, {interval} {ratio.low:.2f} to {ratio.high:.2f}"


def _missing(summary: Summary) -> str:
    lead, made = f"{_upper(summary.label)}: nothing can be said, because", summary.valid + summary.invalid
    if not made:
        return f"{lead} it was not tried."
    if not summary.invalid:
        return f"{lead} {_trials(made)} {'is' if made == 1 else 'are'} too few."
    return f"{lead} {summary.valid or 'none'} of {_trials(made)} measured anything."


def _is_overloaded(design: Design, summary: Summary) -> bool:
    rate = summary.mean("writes_per_second")
    return rate is not None and rate < _KEPT_UP_SHARE * design.writes_per_second


def _overload(design: Design, summary: Summary) -> str:
    rate = summary.mean("writes_per_second")
    return (
        f"{_upper(summary.label)}: of {design.writes_per_second:,.6g} writes a second, only {rate:,.0f} were "
        "acknowledged. Beyond its capacity, latencies show the length of the backlog."
    )


def _noise(summaries: Sequence[Summary]) -> Iterator[str]:
    """Says where latencies are of little use, because something else seems to have kept the machine busy."""
    p99s = [values for each in summaries if (values := each.values.get("p99"))]
    worst = max((max(values) / min(values) for values in p99s if min(values) > 0), default=1.0)
    if worst > _STEADY_FACTOR:
        yield (
            f"Between trials of the same cell, p99 differed by a factor of up to {worst:,.1f}: something "
            "else probably kept this machine busy, so take the latencies for orders of magnitude."
        )


def _surprises(trials: Sequence[Trial]) -> Iterator[str]:
    count = sum(trial.outcome == "unexpected" for trial in trials)
    if count:
        yield f"{_trials(count)} did not end as predicted: look at the journals before you rely on this."


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
