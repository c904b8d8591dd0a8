"""How one figure changed from one run to another, in numbers and in a plain sentence."""

from dataclasses import dataclass
from typing import Final, Literal

from scenarios.figures.bootstrap import Draws, Interval
from scenarios.figures.names import About
from scenarios.figures.run_figures import Figure, RunFigures
from scenarios.figures.words import amount, percent

#: worse, better: more than noise, and beyond the threshold; or a count that is judged. slight: more than
#: noise, within the threshold. noise: not to be told from it. same: equal counts. changed: neither is better.
#: unclear: too little was measured, or a figure without an interval. missing: one run has no such figure.
Kind = Literal["worse", "better", "slight", "noise", "same", "changed", "unclear", "missing"]

#: More of these is worse, whatever the threshold.
_NEVER_MORE: Final = frozenset({"lost", "lost_products", "unsent"})
#: A count that is a share of a whole is judged if that share, 0 to 1, changed by more than this. One burst
#: makes a dozen errors, so smaller changes may be chance.
_SHARE_MATTERS: Final = 0.01
_MAXIMUM: Final = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure of two runs."""

    name: str
    before: float | None
    after: float | None
    #: By how much `after` exceeds `before`, as a share; None: unknown, or `before` is 0.
    share: float | None
    #: 95 % confidence intervals, in the figure's unit: of each figure, and of what the second exceeds the
    #: first by. None: too little was measured, or it is a count.
    before_interval: Interval | None = None
    after_interval: Interval | None = None
    interval: Interval | None = None
    kind: Kind
    sentence: str

    @property
    def is_worse(self) -> bool:
        """Whether it makes the comparison fail."""
        return self.kind == "worse"


def change_of(name: str, before: RunFigures, after: RunFigures, *, threshold: float) -> Change:
    """One figure of both runs.

    Args:
        threshold: By which share it may be worse.
    """
    one, other = before.figures[name], after.figures[name]
    if one.value is None or other.value is None:
        return _missing(one, other)
    drawn, redrawn = before.draws(name), after.draws(name, side=1)
    interval = redrawn.over(drawn) if drawn and redrawn else None
    share = (other.value - one.value) / one.value if one.value else None
    resolution = max(before.resolution_ms(name), after.resolution_ms(name))
    if one.about.kind == "count":
        kind, judgement = _counted(one, other, threshold)
    elif interval is None:
        kind, judgement = "unclear", _why_unclear(one, unsent=before.unsent or after.unsent)
    elif not interval.excludes_zero or (resolution and abs(other.value - one.value) <= resolution):
        kind, judgement = "noise", "no difference that can be told from noise"
    else:
        kind, judgement = _judged(one.about, interval, share, threshold)
    return Change(
        name=name,
        before=one.value,
        after=other.value,
        share=share,
        before_interval=_interval(drawn),
        after_interval=_interval(redrawn),
        interval=interval,
        kind=kind,
        sentence=_sentence(one, other, share, kind, judgement),
    )


def _interval(draws: Draws | None) -> Interval | None:
    return draws.interval if draws else None


def _missing(one: Figure, other: Figure) -> Change:
    run, missing = ("first", one.missing) if one.value is None else ("second", other.missing)
    return Change(
        name=one.name,
        before=one.value,
        after=other.value,
        share=None,
        kind="missing",
        sentence=f"{one.name} was not measured in the {run} run: {missing}",
    )


def _counted(one: Figure, other: Figure, threshold: float) -> tuple[Kind, str]:
    if one.name in _NEVER_MORE:
        return _of_what_may_not_rise(one, other)
    rose, fell = _share_rose(one, other, threshold), _share_rose(other, one, threshold)
    if one.about.better is not None and (rose or fell):
        worse = rose == (one.about.better == "lower")
        return ("worse" if worse else "better"), _in_shares(one, other)
    return ("same" if one.value == other.value else "changed"), ""


def _of_what_may_not_rise(one: Figure, other: Figure) -> tuple[Kind, str]:
    if (other.value or 0) > (one.at_most or 0):
        return "worse", "more of them"
    if one.value == other.value:
        return "same", ""
    if (other.at_most or 0) < (one.value or 0):
        return "better", "fewer of them"
    return "changed", ""


def _share_rose(one: Figure, other: Figure, threshold: float) -> bool:
    """Whether `other` is clearly a larger share of its whole, whatever became of undetermined writes."""
    if not one.whole or not other.whole:
        return False
    before, after = (one.at_most or 0) / one.whole, (other.value or 0) / other.whole
    return after - before > max(_SHARE_MATTERS, threshold * before)


def _in_shares(one: Figure, other: Figure) -> str:
    before, after = (100 * (each.value or 0) / (each.whole or 1) for each in (one, other))
    return f"{before:.3g} % and {after:.3g} % of {one.about.whole}"


def _why_unclear(figure: Figure, *, unsent: bool) -> str:
    if figure.name.endswith(_MAXIMUM):
        return "one value of each run, which says little of the next"
    if figure.name.startswith("read_") or figure.name == "throughput":
        return "how much it varied is not recorded"
    if unsent and figure.name in ("p50", "p95", "p99"):
        return "requests that were never sent are not in the journal"
    return "too few to tell whether that is noise"


def _judged(about: About, interval: Interval, share: float | None, threshold: float) -> tuple[Kind, str]:
    rose = interval.low > 0
    worse = rose == (about.better == "lower")
    word = "slower" if worse else "faster"
    if share is not None and abs(share) <= threshold:
        return "slight", f"{word}, but by no more than {100 * threshold:g} %"
    return ("worse" if worse else "better"), f"clearly {word}"


def _sentence(one: Figure, other: Figure, share: float | None, kind: Kind, judgement: str) -> str:
    before, after = (amount(each.about, each.value or 0) for each in (one, other))
    if before == after:
        return f"{one.name}: {before} in both" + (f"; {judgement}" if judgement and kind != "same" else "")
    if kind == "noise":
        return f"{one.name}: {before} and {after}; {judgement}"
    verb = "rose" if (other.value or 0) > (one.value or 0) else "fell"
    by = "" if share is None else f" ({percent(share)})"
    # The unit stands once: "from 12.1 to 18.4 ms".
    start, _, unit = before.partition(" ")
    shared = start if unit == after.partition(" ")[2] else before
    return f"{one.name} {verb} from {shared} to {after}{by}" + (f": {judgement}" if judgement else "")
