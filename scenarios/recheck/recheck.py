"""Judges a journal anew: whether it can be believed, and whether its verdict is the one that was given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from scenarios.events import Checked
from scenarios.figures.expect import parse_expectation
from scenarios.figures.gate import check
from scenarios.figures.run_figures import RunFigures, run_figures
from scenarios.journal.judgement import judge_journal
from scenarios.journal.lines import AnyLine, EventLine, VerdictLine
from scenarios.journal.reader import Journal, State, decode_event, decode_verdict
from scenarios.judge.checks.fates import Judged
from scenarios.judge.verdict import Verdict
from scenarios.recheck.contradictions import Contradictions
from stack.errors import UsageError

_FIGURES: Final = ("validity", "acknowledged", "refused", "unknown", "fates", "lost_products", "crashes")
#: As many writes are named.
_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """A verdict beside the one that was given when the run ended."""

    run: str
    state: State
    #: None: the journal ends before the verdict, or it can't be read.
    given: Verdict | None
    verdict: Verdict
    #: What in the journal does not fit together, in sentences.
    contradictions: tuple[str, ...]
    #: In what the two verdicts, or the expectations that were checked, differ, in sentences.
    differences: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing in the journal contradicts anything else."""
        return not self.contradictions

    @property
    def is_same(self) -> bool | None:
        """Whether the verdict is the one that was given; None: none was given."""
        return None if self.given is None else not self.differences

    @property
    def result(self) -> Literal["same", "different", "undecided"]:
        """different also where the journal contradicts itself."""
        if self.contradictions or self.differences:
            return "different"
        return "undecided" if self.given is None else "same"

    @property
    def conclusion(self) -> str:
        """One sentence."""
        if self.contradictions:
            return f"the journal can't be trusted: {self.contradictions[0]}."
        if self.given is None:
            return f"no verdict was given: the run is {self.state}."
        if self.differences:
            return f"the verdict is another one now: {'; '.join(self.differences)}."
        return "the verdict is the same."

    @property
    def given_in_words(self) -> str:
        """The verdict that was given, in a few words."""
        return "none" if self.given is None else _in_words(self.given)

    @property
    def found_in_words(self) -> str:
        """Today's verdict, in a few words."""
        return _in_words(self.verdict)


class Rechecking:
    """Takes the lines of a journal, then its judged writes: for whoever goes through both anyway."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._contradictions = Contradictions()
        self._given: Verdict | None = None
        #: What became of the writes that the given verdict names.
        self._fates: dict[tuple[str, int], Judged] = {}
        self._checks: dict[str, Checked] = {}
        self._changed: list[str] = []

    def take(self, line: AnyLine) -> None:
        """Look at the next line."""
        self._contradictions.take(line)
        if isinstance(line, VerdictLine) and (reached := decode_verdict(line)) is not None:
            self._given = reached.verdict
            self._fates = {(one.product, one.version): one for one in reached.verdict.judged}
        elif isinstance(line, EventLine) and isinstance(event := decode_event(line), Checked):
            self._checks[event.claim] = event

    def take_judged(self, one: Judged) -> None:
        """Compare what became of an acknowledged write with what the given verdict says of it."""
        before = self._fates.pop((one.product, one.version), None)
        if before is not None and before.fate != one.fate:
            self._changed.append(
                f"version {one.version} of {one.product} was {before.fate} and is {one.fate}"
            )

    def conclude(self, verdict: Verdict, figures: RunFigures | None = None) -> Recheck:
        """What comes of it, after the last line and the last judged write.

        Args:
            verdict: Today's.
            figures: Today's; None: they are computed if the run had expectations.

        Raises:
            StateUnusable: the file can't be read.
        """
        journal, given = self._journal, self._given
        return Recheck(
            run=journal.run,
            state=journal.state,
            given=given,
            verdict=verdict,
            contradictions=(*journal.damage, *self._contradictions.found(given)),
            differences=() if given is None else tuple(self._differences(given, verdict, figures)),
        )

    def _differences(self, given: Verdict, now: Verdict, figures: RunFigures | None) -> Iterator[str]:
        yield from _of_verdicts(given, now)
        yield from self._changed[:_NAMED]
        gone = [f"version {version} of {product} is not in the journal" for product, version in self._fates]
        yield from gone[:_NAMED]
        if self._journal.state == "complete":
            yield from self._of_expectations(figures)

    def _of_expectations(self, figures: RunFigures | None) -> Iterator[str]:
        """Expectations whose check comes out otherwise now, or is missing."""
        expected = _expectations(self._journal)
        if not expected:
            return
        figures = figures or run_figures(self._journal)
        for text in expected:
            try:
                now = check(parse_expectation(str(text)), figures)
            except UsageError as error:
                yield f"the expectation {text!r} can't be read: {error.message}"
                continue
            then = self._checks.get(now.claim)
            if then is None:
                yield f"it was not checked whether {now.claim}"
            elif then.passed != now.passed:
                was, is_now = _CHECKED[then.passed], _CHECKED[now.passed]
                yield f"{now.claim}: {was} then, and {is_now} now ({now.actual})"


#: The result of a check.
_CHECKED: Final = {True: "passed", False: "failed", None: "unknown"}


def recheck_journal(journal: Journal) -> Recheck:
    """Judge the journal's history with today's checks, and compare.

    Raises:
        StateUnusable: the file can't be read.
    """
    if _expectations(journal):
        return recheck_with_figures(journal)[0]
    rechecking = Rechecking(journal)
    for line in journal.lines():
        rechecking.take(line)
    verdict = judge_journal(journal, lambda write, one, lag: rechecking.take_judged(one))
    return rechecking.conclude(verdict)


def recheck_with_figures(journal: Journal) -> tuple[Recheck, RunFigures]:
    """The same, and the figures of the run, for which the journal is not judged again.

    Raises:
        StateUnusable: the file can't be read.
    """
    rechecking = Rechecking(journal)
    figures = run_figures(journal, rechecking)
    return rechecking.conclude(figures.verdict, figures), figures


def _expectations(journal: Journal) -> Sequence[object]:
    """What the run was expected to measure, as it was typed."""
    expected: Sequence[object] = journal.environment.options.get("expect", ())
    return expected


def _of_verdicts(given: Verdict, now: Verdict) -> Iterator[str]:
    for name in _FIGURES:
        before, after = getattr(given, name), getattr(now, name)
        if name == "fates":
            for fate, count in after.items():
                if before.get(fate, 0) != count:
                    yield f"{before.get(fate, 0):,} {fate} then, {count:,} now"
        elif before != after:
            yield f"{name} was {_short(before)}, and is {_short(after)}"


def _short(value: object) -> str:
    return f"{len(value)} of them" if isinstance(value, tuple) else str(value)


def _in_words(verdict: Verdict) -> str:
    fates = ", ".join(f"{count:,} {fate.replace('_', '-')}" for fate, count in verdict.fates.items() if count)
    return f"{verdict.validity}: {fates or 'nothing acknowledged'}"
