"""Judges a journal anew, and says whether the verdict is still the one that was given."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scenarios.journal.contradictions import Contradictions
from scenarios.journal.judgement import judge_journal
from scenarios.journal.lines import VerdictLine
from scenarios.journal.reader import Journal, State, decode_verdict
from scenarios.judge.checks.fates import Judged
from scenarios.judge.verdict import Verdict

_FIGURES = ("validity", "acknowledged", "refused", "unknown", "fates", "lost_products", "crashes")


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
    #: In what the two verdicts differ, in sentences.
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


def recheck_journal(journal: Journal) -> Recheck:
    """Judge the journal's history with today's checks, and compare.

    Raises:
        StateUnusable: the file can't be read.
    """
    contradictions = Contradictions(journal.environment)
    judged: dict[tuple[str, int], Judged] = {}
    given: Verdict | None = None
    for line in journal.lines():
        contradictions.take(line)
        if isinstance(line, VerdictLine) and (reached := decode_verdict(line)) is not None:
            given = reached.verdict
            judged = {(one.product, one.version): one for one in given.judged}
    damage = journal.damage
    differing = _Fates(judged)
    verdict = judge_journal(journal, lambda write, one, lag: differing.take(one))
    return Recheck(
        run=journal.run,
        state=journal.state,
        given=given,
        verdict=verdict,
        contradictions=(*damage, *contradictions.found(journal.state, given)),
        differences=() if given is None else (*_differences(given, verdict), *differing.found()),
    )


class _Fates:
    """Compares what became of the writes that the given verdict names."""

    def __init__(self, given: dict[tuple[str, int], Judged]) -> None:
        self._given = given
        self._other = list[str]()

    def take(self, one: Judged) -> None:
        before = self._given.pop((one.product, one.version), None)
        if before is not None and before.fate != one.fate:
            self._other.append(f"version {one.version} of {one.product} was {before.fate} and is {one.fate}")

    def found(self) -> list[str]:
        gone = [
            f"version {version} of {product} is no longer in the journal" for product, version in self._given
        ]
        return [*self._other[:5], *gone[:5]]


def _differences(given: Verdict, now: Verdict) -> Iterator[str]:
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
