"""Two runs side by side: what changed, whether that is more than noise, and whether it is for the worse."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from scenarios.events import Checked
from scenarios.figures.changes import Change, change_of
from scenarios.figures.names import FIGURES
from scenarios.figures.run_figures import RunFigures

#: How much worse a figure may be, as a share, before the comparison fails.
THRESHOLD: Final = 0.1

#: new: fails, and the first run had no such check. resolved: failed, and passes now. still: fails in both.
#: regressed: passed, and fails now. passes: in both. added: passes, and the first run had no such check.
#: gone: the second run has no such check. What could not be established has not passed.
CheckState = Literal["new", "resolved", "still", "regressed", "passes", "added", "gone"]
_FAILING: Final = ("new", "regressed")
_VERDICT: Final = "the measurement is valid"


@dataclass(frozen=True, slots=True)
class ComparedCheck:
    """One check in both runs; None: not made there."""

    claim: str
    state: CheckState
    before: Checked | None
    after: Checked | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in which the runs differ."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The second run beside the first."""

    #: Settings, options, versions and the machine, where they differ.
    differences: tuple[Difference, ...]
    #: Figures that at least one run has.
    changes: tuple[Change, ...]
    checks: tuple[ComparedCheck, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the second run is worse, in sentences; empty if it is not."""
        return (
            *(change.sentence for change in self.changes if change.is_worse),
            *(
                f"check failed ({check.state}): {check.claim}"
                for check in self.checks
                if check.state in _FAILING
            ),
        )


def compare(before: RunFigures, after: RunFigures, *, threshold: float = THRESHOLD) -> Comparison:
    """Compare two runs.

    Args:
        before: The one to measure by.
        threshold: By which share of it a figure may be worse.
    """
    return Comparison(
        differences=tuple(_differences(before, after)),
        changes=tuple(
            change_of(name, before, after, threshold=threshold)
            for name in FIGURES
            if _has(name, before, after)
        ),
        checks=tuple(_checks({**before.checks, **_valid(before)}, {**after.checks, **_valid(after)})),
    )


def _has(name: str, before: RunFigures, after: RunFigures) -> bool:
    return any(run.figures[name].value is not None for run in (before, after))


def _valid(figures: RunFigures) -> dict[str, Checked]:
    validity = figures.verdict.validity
    passed = {"valid": True, "invalid": False, "unknown": None}[validity]
    return {_VERDICT: Checked(_VERDICT, "valid", validity, passed)}


def _checks(before: Mapping[str, Checked], after: Mapping[str, Checked]) -> Iterator[ComparedCheck]:
    for claim in dict.fromkeys((*before, *after)):
        one, other = before.get(claim), after.get(claim)
        yield ComparedCheck(claim, _state(one, other), one, other)


def _state(before: Checked | None, after: Checked | None) -> CheckState:
    if after is None:
        return "gone"
    if before is None:
        return "added" if after.passed else "new"
    if before.passed:
        return "passes" if after.passed else "regressed"
    return "resolved" if after.passed else "still"


def _differences(before: RunFigures, after: RunFigures) -> Iterator[Difference]:
    one, other = _about(before), _about(after)
    for what in dict.fromkeys((*one, *other)):
        if one.get(what) != other.get(what):
            yield Difference(what, _told(one.get(what)), _told(other.get(what)))


def _about(figures: RunFigures) -> dict[str, Any]:
    """What a run was made on, flat. The lab's name changes nothing, nor does what was expected."""
    about = figures.environment
    flat: dict[str, Any] = {"scenario": about.scenario, "runtime": about.runtime}
    for group in ("options", "settings", "versions", "services", "machine"):
        prefix = "" if group in ("options", "settings") else f"{group.removesuffix('s')}: "
        flat |= {f"{prefix}{name}": value for name, value in getattr(about, group).items()}
    flat.pop("expect", None)
    return flat


def _told(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
