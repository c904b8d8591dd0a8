"""Compares what was predicted with what was measured."""

from collections.abc import Iterator, Mapping

from scenarios.conclude import established
from scenarios.events import Checked
from scenarios.histogram import Histogram
from scenarios.judge.verdict import Verdict
from scenarios.load.sampling import Increases
from scenarios.scripted.fates_by_group import FatesByGroup, Of, percentile
from scenarios.scripted.outline import limits_in_words
from scenarios.scripted.script import ALL, Count, Expect, Fates, Percentiles
from scenarios.scripted.waits import within

NO_LOSS = {ALL: Fates(lost=0)}


def check_expectations(
    expect: Expect, verdict: Verdict, tally: FatesByGroup, increases: Increases | None
) -> Iterator[Checked]:
    """Every prediction, and what was measured.

    Args:
        tally: The judged writes by group.
        increases: The totals over the run; None: they could not be read.
    """
    same = verdict.validity == expect.validity
    passed = None if verdict.validity == "unknown" and not same else same
    yield Checked("the verdict on the measurement", expect.validity, verdict.validity, passed)
    for group, fates in (expect.fates or NO_LOSS).items():
        yield from _fates(group, fates, tally.of(group), verdict)
    answers = (("refused", expect.refused, verdict.refused), ("unknown", expect.unknown, verdict.unknown))
    for name, limits, count in answers:
        if limits is not None:
            told = "without an answer" if name == "unknown" else name
            yield _counted(f"writes {told}", limits, count, within(limits, count))
    yield from check_totals(expect.totals, increases)
    for group, percentiles in expect.acknowledgement.items():
        yield from _percentiles(f"{group}: acknowledged after", percentiles, tally.of(group).latencies)
    for group, percentiles in expect.persist_lag.items():
        yield from _percentiles(f"{group}: in PostgreSQL after", percentiles, tally.of(group).lags)


def _fates(group: str, fates: Fates, found: Of, verdict: Verdict) -> Iterator[Checked]:
    for fate in fates.__struct_fields__:
        limits = getattr(fates, fate)
        if limits is None:
            continue
        count = found.fates[fate]
        told = fate.replace("_", "-")
        passed = within(limits, count)
        # A write of unknown fate can only raise a count: one that is too high already stays so.
        most = limits if isinstance(limits, int) else limits.at_most
        known = verdict.validity != "unknown" and not found.fates["undetermined"]
        may_hold = not known and (most is None or count <= most)
        result = established(verdict, passed=passed) if passed or not may_hold else None
        whose = "all writes" if group == ALL else group
        yield _counted(f"{whose}: {told}", limits, count, result)


def check_totals(limits: Mapping[str, int | Count], increases: Increases | None) -> Iterator[Checked]:
    """Totals. None of them is certain if Redis lost its memory, and with it what it had counted.

    Args:
        increases: None: they could not be read.
    """
    for name, wanted in limits.items():
        claim = name.replace("_", " ")
        if increases is None:
            yield Checked(claim, limits_in_words(wanted), "not read: Redis does not answer", None)
            continue
        rise = increases.of(name)
        passed = None if increases.restarted else within(wanted, rise)
        yield _counted(claim, wanted, rise, passed)


def _counted(claim: str, limits: int | Count, count: int, passed: bool | None) -> Checked:
    return Checked(claim, limits_in_words(limits), f"{count:,}", passed)


def _percentiles(claim: str, wanted: Percentiles, histogram: Histogram) -> Iterator[Checked]:
    for name in wanted.__struct_fields__:
        limits = getattr(wanted, name)
        if limits is None:
            continue
        value = percentile(histogram, name)
        shown = "not measured" if value is None else f"{value:,.1f} ms"
        passed = None if value is None else within(limits, value)
        label = f"{claim}, {name.removesuffix('_ms')}"
        yield Checked(label, limits_in_words(limits, "ms"), shown, passed)
