"""Compares what was predicted with what was measured."""

from collections.abc import Iterator, Mapping

from scenarios.conclude import established
from scenarios.events import Checked
from scenarios.histogram import Histogram
from scenarios.judge.verdict import Verdict
from scenarios.load.sampling import Increases
from scenarios.scripted.fates_by_group import FatesByGroup, Of, percentile
from scenarios.scripted.outline import limits_in_words
from scenarios.scripted.predictions import Prediction, claim_of_total, predictions
from scenarios.scripted.script import Count, Duration, Expect
from scenarios.scripted.waits import within


def check_expectations(
    expect: Expect, verdict: Verdict, by_group: FatesByGroup, increases: Increases | None
) -> Iterator[Checked]:
    """Every prediction, and what was measured.

    Args:
        by_group: The judged writes by group.
        increases: The totals over the run; None: they could not be read.
    """
    same = verdict.validity == expect.validity
    passed = None if verdict.validity == "unknown" and not same else same
    yield Checked("the verdict on the measurement", expect.validity, verdict.validity, passed)
    for one in predictions(expect):
        yield _check(one, verdict, by_group, increases)


def _check(one: Prediction, verdict: Verdict, by_group: FatesByGroup, increases: Increases | None) -> Checked:
    match one.where:
        case "fates":
            found = by_group.of(one.group)
            count = found.fates[one.name]
            return _counted(one.claim, one.limits, count, _fate_holds(one.limits, count, found, verdict))
        case "refused":
            return _counted(one.claim, one.limits, verdict.refused, within(one.limits, verdict.refused))
        case "unknown":
            return _counted(one.claim, one.limits, verdict.unknown, within(one.limits, verdict.unknown))
        case "totals":
            return _total(one.name, one.limits, increases)
        case "acknowledgement":
            return _percentile(one, by_group.of(one.group).latencies)
        case "persist_lag":
            return _percentile(one, by_group.of(one.group).lags)


def _fate_holds(limits: int | Count | Duration, count: int, found: Of, verdict: Verdict) -> bool | None:
    passed = within(limits, count)
    # A write of unknown fate can only raise a count: one that is too high already stays so.
    most = limits if isinstance(limits, int) else limits.at_most
    known = verdict.validity != "unknown" and not found.fates["undetermined"]
    may_hold = not known and (most is None or count <= most)
    return established(verdict, passed=passed) if passed or not may_hold else None


def check_totals(limits: Mapping[str, int | Count], increases: Increases) -> Iterator[Checked]:
    """Totals, by name, against how far they have risen."""
    for name, wanted in limits.items():
        yield _total(name, wanted, increases)


def _total(name: str, limits: int | Count | Duration, increases: Increases | None) -> Checked:
    """None is certain if Redis lost its memory, and with it what it had counted."""
    claim = claim_of_total(name)
    if increases is None:
        return Checked(claim, limits_in_words(limits), "not read: Redis does not answer", None)
    rise = increases.of(name)
    return _counted(claim, limits, rise, None if increases.restarted else within(limits, rise))


def _counted(claim: str, limits: int | Count | Duration, count: int, passed: bool | None) -> Checked:
    return Checked(claim, limits_in_words(limits), f"{count:,}", passed)


def _percentile(one: Prediction, histogram: Histogram) -> Checked:
    value = percentile(histogram, one.name)
    shown = "not measured" if value is None else f"{value:,.1f} ms"
    passed = None if value is None else within(one.limits, value)
    return Checked(one.claim, limits_in_words(one.limits, one.unit), shown, passed)
