"""What in a journal can't have happened like that. A journal that was changed by hand contradicts itself."""

from collections.abc import Iterator

from scenarios.journal.lines import (
    AnyLine,
    EndLine,
    Environment,
    MemoryLossLine,
    PollLine,
    WriteLine,
)
from scenarios.journal.reader import State
from scenarios.judge.verdict import Verdict

#: As many are named of each kind.
_NAMED = 3
#: Later lines may be noted a little before earlier ones: threads note them. s
_TOLERANCE_S = 60.0


class Contradictions:
    """Takes the lines of one journal, in their order."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._writes = 0
        self._answers = {"acknowledged": 0, "refused": 0, "unknown": 0}
        self._said: dict[str, list[str]] = {}
        self._polls = 0
        self._losses = 0
        self._end: EndLine | None = None

    def take(self, line: AnyLine) -> None:
        match line:
            case WriteLine():
                self._take_write(line)
            case PollLine():
                self._take_poll(line)
            case MemoryLossLine():
                self._losses += 1
                if not line.last_seen <= line.gone <= line.changed:
                    self._say("memory loss", "Redis' memory is gone before it was last seen")
            case EndLine():
                self._end = line
            case _:
                pass

    def found(self, state: State, verdict: Verdict | None) -> Iterator[str]:
        """All that contradicts something, in sentences.

        Args:
            verdict: The one that was given.
        """
        for sentences in self._said.values():
            yield from sentences[:_NAMED]
            if len(sentences) > _NAMED:
                yield f"{len(sentences) - _NAMED:,} more like that"
        if self._end is not None and self._end.writes != self._writes:
            yield f"it holds {self._writes:,} writes, and its last line says {self._end.writes:,}"
        if verdict is not None:
            for answer, held in self._answers.items():
                judged = getattr(verdict, answer)
                if judged != held:
                    yield f"its verdict is on {judged:,} {answer} writes, and it holds {held:,}"

    def _take_write(self, line: WriteLine) -> None:
        self._writes += 1
        self._answers[line.answer] += 1
        what = f"line {line.n + 1}: a write of {line.product or 'a new product'}"
        if line.finished < line.sent:
            self._say("interval", f"{what} was answered before it was sent")
        if line.answer == "acknowledged" and (line.product is None or line.version is None):
            self._say("acknowledged", f"{what} was acknowledged without a product or a version")
        if line.answer != "acknowledged" and line.version is not None:
            self._say("version", f"{what} has a version, though it was not acknowledged")
        if line.operation != "delete" and line.value is None:
            self._say("value", f"{what} has no value")

    def _take_poll(self, line: PollLine) -> None:
        if line.number != self._polls:
            self._say("polls", f"line {line.n + 1}: poll {line.number} follows poll {self._polls - 1}")
        self._polls = line.number + 1
        if line.at < line.sent:
            self._say("polls", f"line {line.n + 1}: poll {line.number} was answered before it was sent")
        for product, version, asked in line.rows:
            if asked > line.number or version < 1:
                self._say("polls", f"line {line.n + 1}: {product} was seen before it was asked for")

    def _say(self, kind: str, sentence: str) -> None:
        self._said.setdefault(kind, []).append(sentence)
