"""Whether a run's figures are as expected."""

from collections.abc import Generator, Iterable, Sequence
from typing import Final

from scenarios.events import Checked, Event
from scenarios.figures.expect import Expectation, parse_expectation
from scenarios.figures.run_figures import Figure, RunFigures, compute_figures
from scenarios.figures.words import amount
from scenarios.journal.reader import Journal
from scenarios.scenario import Conclusion

_PERCENT: Final = 100


def check_expectations(
    journal: Journal, expected: Sequence[str], conclusion: Conclusion
) -> Generator[Event, None, Conclusion]:
    """Check a run's figures before it ends.

    Args:
        journal: What it noted so far.
        expected: As people type it.
        conclusion: How it would end without the expectations.

    Raises:
        UsageError: an expectation can't be read.
    """
    figures = yield from compute_figures(journal)
    checks = [check(parse_expectation(text), figures) for text in expected]
    yield from checks
    return _concluded(conclusion, checks)


def check(expectation: Expectation, figures: RunFigures) -> Checked:
    """One expectation and what was measured. What was not measured is not as expected."""
    figure = figures.figures[expectation.name]
    limit = f"{expectation.comparison} {expectation.typed}"
    claim = f"{expectation.name} {limit}"
    if figure.value is None:
        return Checked(claim, limit, f"nothing: {figure.missing}", passed=False)
    most = figure.value if figure.at_most is None else figure.at_most
    low, high = (_compared(expectation, figure, value) for value in (figure.value, most))
    if low is None or high is None:
        return Checked(claim, limit, f"nothing to be a share of: no {expectation.about.whole}", passed=False)
    passed = _holds_throughout(expectation, low, high)
    return Checked(claim, limit, _actual(expectation, figure, most), passed=passed)


def _holds_throughout(expectation: Expectation, low: float, high: float) -> bool | None:
    """Whether every value from `low` to `high` keeps to the limit; None: some do."""
    at_ends = {expectation.holds(value) for value in (low, high)}
    # Between two ends that differ from it, "==" and "!=" come out otherwise at the limit itself.
    if len(at_ends) > 1 or low < expectation.limit < high:
        return None
    return at_ends.pop()


def _compared(expectation: Expectation, figure: Figure, value: float) -> float | None:
    """The value as the limit is given; None: it would be a share of nothing."""
    if not expectation.share:
        return value
    return _PERCENT * value / figure.whole if figure.whole else None


def _actual(expectation: Expectation, figure: Figure, most: float) -> str:
    value = figure.value or 0
    said = amount(figure.about, value)
    if most > value:
        said = f"{said}, and up to {amount(figure.about, most)}"
    if expectation.share and figure.whole:
        said = f"{_PERCENT * value / figure.whole:.3g} % ({said} of {figure.whole:,})"
    return said


def _concluded(conclusion: Conclusion, checks: Iterable[Checked]) -> Conclusion:
    missed = [f"{each.claim} expected, measured {each.actual}" for each in checks if each.passed is False]
    unclear = [f"it is unknown whether {each.claim}" for each in checks if each.passed is None]
    before = [] if conclusion.outcome == "expected" else [conclusion.text]
    if missed:
        return Conclusion("unexpected", "; ".join([*missed, *before]))
    if unclear and conclusion.outcome == "expected":
        return Conclusion("inconclusive", "; ".join(unclear))
    return conclusion
