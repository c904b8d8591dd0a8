"""The final read: straight from PostgreSQL and Redis into the journal, never through the API."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import Final

from scenarios.events import Event
from scenarios.journal.lines import FinalReadLine, WaitingLine
from scenarios.journal.partition import Partition
from scenarios.journal.writer import JournalWriter
from scenarios.judge.final_read import Part, StoredValue
from scenarios.judge.history import MemoryLoss
from scenarios.lab.probe import Probe
from stack.errors import NotRunning
from stack.spec.events import Advanced

Stored = tuple[str, StoredValue]

_NOTED_AT_ONCE: Final = 10_000


def note_end_of_watch(writer: JournalWriter, losses: Iterable[MemoryLoss], waiting: dict[str, int]) -> None:
    """Note what is only known once the watching has ended."""
    now = time.monotonic()
    for number, loss in enumerate(losses):
        for line in writer.encoder.loss(now, number, loss):
            writer.note(line)
    for product, poll in waiting.items():
        writer.note(WaitingLine(product=product, poll=poll))


class FinalReader:
    """Reads what is left in the end of a run, part by part."""

    def __init__(self, probe: Probe, writer: JournalWriter, partition: Partition) -> None:
        self._probe = probe
        self._writer = writer
        self._partition = partition
        self._unread: dict[str, str] = {}
        self._noted = 0

    def read(self, unwatched: str) -> Generator[Event, None, None]:
        """Read all; parts that can't be read are named in the line that ends the read. Shows how far it is if
        there is much to read.

        Args:
            unwatched: Why Redis was not watched; empty if it was.
        """
        parts: dict[Part, Callable[[], Iterator[Stored]]] = {
            "rows": lambda: self._probe.all_rows(self._products()),
            "dead_letters": self._probe.dead,
            "pending": self._pending,
            "cached": lambda: chain.from_iterable(map(self._probe.cached, self._products())),
        }
        for number, (part, look) in enumerate(parts.items(), 1):
            self._part(part, look)
            if self._partition.count > 1:
                yield Advanced("reading PostgreSQL and Redis", number, len(parts))
        line = FinalReadLine(
            at=self._writer.encoder.now(),
            since=self._probe.since,
            unread=self._unread,
            seen=dict(self._probe.versions),
            unwatched=unwatched,
        )
        self._writer.note(line)
        self._partition.add(line)

    def _products(self) -> Iterator[list[str]]:
        """The products that writes name, one part of the history after the other."""
        return (sorted(self._partition.products(number)) for number in range(self._partition.count))

    def _pending(self) -> Iterator[Stored]:
        yield from chain.from_iterable(map(self._probe.entries_of, self._products()))
        yield from self._probe.backlog()

    def _part(self, part: Part, look: Callable[[], Iterator[Stored]]) -> None:
        try:
            for product, value in look():
                line = self._writer.encoder.stored(time.monotonic(), part, product, value)
                self._writer.note(line)
                self._partition.add(line)
                self._noted += 1
                if self._noted % _NOTED_AT_ONCE == 0:
                    # The read may be of millions: they must not wait in memory.
                    self._writer.flush()
        except NotRunning as error:
            self._unread[part] = error.message
