"""What in a journal can't have happened like that. A journal that was changed by hand contradicts itself."""

from collections.abc import Iterator
from typing import Final

from scenarios.events import Checked, Event, FaultInjected, ScenarioFinished
from scenarios.journal.lines import (
    AnyLine,
    EndLine,
    Environment,
    EventLine,
    FinalReadLine,
    MemoryLossLine,
    PollLine,
    VerdictLine,
    WriteLine,
)
from scenarios.journal.reader import decode_event, decode_verdict, is_known
from scenarios.judge.verdict import Verdict

#: As many are named of each kind.
_NAMED: Final = 3
#: Lines that a journal has once at most, and what they hold.
_ONCE: Final = {
    Environment: "environment",
    FinalReadLine: "end of the final read",
    VerdictLine: "verdict",
    EndLine: "last line",
}


#: How a sentence ends that tells of an outcome that no verdict supports.
WITHOUT_VERDICT: Final = "without a verdict"
_ENDED: Final = {"expected": "as expected", "unexpected": "not as expected"}
#: Scenarios that are not judged by their own writes, since they make none.
UNJUDGED: Final = frozenset({"database-state", "experiment"})


class Contradictions:
    """Takes the lines of one journal, in their order."""

    def __init__(self) -> None:
        self._answers = {"acknowledged": 0, "refused": 0, "unknown": 0}
        self._said: dict[str, list[str]] = {}
        self._scenario = ""
        self._polls = 0
        self._once: set[type] = set()
        #: Checks that failed, and faults that are not proved.
        self._missed: list[str] = []
        self._finished: ScenarioFinished | None = None
        #: The last moment that a write or a poll names, s since the run began.
        self._latest = 0.0

    def take(self, line: AnyLine) -> None:
        """Look at the next line."""
        self._take_once(line)
        match line:
            case Environment():
                self._scenario = line.scenario
            case WriteLine():
                self._take_write(line)
            case PollLine():
                self._take_poll(line)
            case MemoryLossLine() if not 0 <= line.last_seen <= line.gone <= line.changed:
                self._say("memory loss", "Redis' memory is gone before it was last seen")
            case EventLine():
                self._take_event(line)
            case VerdictLine() if decode_verdict(line) is None:
                self._say("verdict", f"line {line.n + 1} is not a verdict")
            case EndLine():
                self._take_end(line)
            case _:
                pass

    def found(self, verdict: Verdict | None) -> Iterator[str]:
        """All that contradicts something, in sentences.

        Args:
            verdict: The one that was given.
        """
        for sentences in self._said.values():
            yield from sentences[:_NAMED]
            if len(sentences) > _NAMED:
                yield f"{len(sentences) - _NAMED:,} more like that"
        if verdict is not None:
            for answer, held in self._answers.items():
                judged = getattr(verdict, answer)
                if judged != held:
                    yield f"its verdict is on {judged:,} {answer} writes, and it holds {held:,}"
        yield from self._of_outcome(verdict)

    def _of_outcome(self, verdict: Verdict | None) -> Iterator[str]:
        outcome = "inconclusive" if self._finished is None else self._finished.outcome
        if self._missed and outcome == "expected":
            yield f"the run ended as expected, though {self._missed[0]}"
        # A run that ends as inconclusive may have ended before it was judged.
        if verdict is None and outcome != "inconclusive" and not self._is_unjudged:
            yield f"the run ended {_ENDED[outcome]} {WITHOUT_VERDICT}"

    @property
    def _is_unjudged(self) -> bool:
        return self._scenario in UNJUDGED and not any(self._answers.values())

    def _take_once(self, line: AnyLine) -> None:
        kind = type(line)
        if kind in self._once and kind in _ONCE:
            self._say("once", f"line {line.n + 1} is a second {_ONCE[kind]}")
        self._once.add(kind)

    def _take_event(self, line: EventLine) -> None:
        event = decode_event(line)
        if event is None:
            # One with a strange name is of another labctl.
            if is_known(line):
                self._say("events", f"line {line.n + 1} is not an event of the kind {line.name}")
            return
        if self._finished is not None:
            self._say("events", f"line {line.n + 1} is an event after the end of the run")
        self._notice(event)

    def _notice(self, event: Event) -> None:
        match event:
            case Checked(passed=False):
                self._missed.append(f"a check failed: {event.claim}")
            case FaultInjected(bit=None | False):
                self._missed.append(f"a fault did not take effect: {event.fault}")
            case ScenarioFinished():
                self._finished = event
            case _:
                pass

    def _take_write(self, line: WriteLine) -> None:
        self._answers[line.answer] += 1
        self._latest = max(self._latest, line.finished)
        what = f"line {line.n + 1}: a write of {line.product or 'a new product'}"
        if not 0 <= line.sent <= line.finished:
            self._say("interval", f"{what} was answered before it was sent, or sent before the run began")
        if line.answer == "acknowledged" and (line.product is None or line.version is None):
            self._say("acknowledged", f"{what} was acknowledged without a product or a version")
        if line.answer != "acknowledged" and line.version is not None:
            self._say("version", f"{what} has a version, though it was not acknowledged")
        if line.operation != "delete" and line.value is None:
            self._say("value", f"{what} has no value")

    def _take_poll(self, line: PollLine) -> None:
        self._latest = max(self._latest, line.at)
        if line.number != self._polls:
            self._say("polls", f"line {line.n + 1}: poll {line.number} follows poll {self._polls - 1}")
        self._polls = line.number + 1
        if not 0 <= line.sent <= line.at:
            self._say(
                "polls",
                f"line {line.n + 1}: poll {line.number} was answered before it was sent, or sent before the "
                "run began",
            )
        for product, version, asked in line.rows:
            if asked > line.number or version < 1:
                self._say("polls", f"line {line.n + 1}: {product} was seen before it was asked for")

    def _take_end(self, line: EndLine) -> None:
        writes = sum(self._answers.values())
        if line.writes != writes:
            self._say("end", f"it holds {writes:,} writes, and its last line says {line.writes:,}")
        if line.at < self._latest:
            self._say("end", f"it ends at {line.at:.1f} s, and tells of {self._latest:.3g} s")

    def _say(self, kind: str, sentence: str) -> None:
        self._said.setdefault(kind, []).append(sentence)
