"""From what happens in a run to the lines of its journal. Times become s since the run began."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import msgspec

from scenarios.events import Event, VerdictReached
from scenarios.journal.lines import (
    EventLine,
    MemoryLossLine,
    PollLine,
    StoredLine,
    VerdictLine,
    WriteLine,
)
from scenarios.judge.final_read import Part, StoredValue, Value
from scenarios.judge.history import MemoryLoss, Poll
from scenarios.judge.ledger import Write
from scenarios.judge.values import comparable

_MICRO: Final = 1_000_000
_COMPARED: Final = ("name", "price", "quantity")
_LARGEST_INT: Final = 1 << 63
Place: TypeAlias = Part | Literal["survivor"]


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes what one run notes."""

    #: When the run began, s of labctl's monotonic clock.
    began_at: float

    def now(self) -> float:
        """s since the run began."""
        return self._up(time.monotonic())

    def event(self, at: float, event: Event) -> EventLine | VerdictLine:
        since = self._up(at)
        if isinstance(event, VerdictReached):
            return VerdictLine(at=since, verdict=event.verdict.to_json())
        content: dict[str, Any] = msgspec.to_builtins(event)
        return EventLine(at=since, name=type(event).__name__, event=content)

    def write(self, write: Write) -> WriteLine:
        finished = self._up(write.finished_at)
        return WriteLine(
            at=finished,
            product=write.product,
            operation=write.operation,
            value=_plain(write.value),
            answer=write.answer,
            version=write.version,
            sent=self._down(write.sent_at),
            finished=finished,
            due=None if write.due_at is None else self._down(write.due_at),
            group=write.group,
            detail=write.detail,
            trace=write.trace,
        )

    def poll(self, poll: Poll) -> PollLine:
        rows = list(poll.rows)
        return PollLine(
            at=self._up(poll.answered_at), number=poll.number, sent=self._down(poll.sent_at), rows=rows
        )

    def loss(self, at: float, number: int, loss: MemoryLoss) -> Iterator[MemoryLossLine | StoredLine]:
        """The loss, and what its new memory held."""
        yield MemoryLossLine(
            at=self._up(at),
            last_seen=self._down(loss.last_seen_at),
            gone=self._up(loss.gone_at),
            changed=self._up(loss.changed_at),
            old_epoch=loss.old_epoch,
            new_epoch=loss.new_epoch,
            old_moment=loss.old_moment,
        )
        for product, entries in loss.survivors.items():
            for entry in entries:
                yield self.stored(at, "survivor", product, entry, loss=number)

    def stored(
        self, at: float, part: Place, product: str, found: StoredValue, *, loss: int | None = None
    ) -> StoredLine:
        value = _plain(found.value)
        return StoredLine(
            at=self._up(at), part=part, product=product, version=found.version, value=value, loss=loss
        )

    def _down(self, at: float) -> float:
        return math.floor((at - self.began_at) * _MICRO) / _MICRO

    def _up(self, at: float) -> float:
        return math.ceil((at - self.began_at) * _MICRO) / _MICRO


def _plain(value: Value | None) -> dict[str, Any] | None:
    """What is compared of a value. Redis may hold anything: what JSON lacks becomes the text that it is
    compared as."""
    if value is None:
        return None
    texts = zip(_COMPARED, comparable(value) or (), strict=True)
    return {name: held if _fits(held := value.get(name)) else text for name, text in texts}


def _fits(held: object) -> bool:
    if isinstance(held, float):
        return math.isfinite(held)
    if isinstance(held, int):
        return abs(held) < _LARGEST_INT
    return held is None or isinstance(held, str)
