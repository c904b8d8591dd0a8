"""Which acknowledged writes have not been seen in PostgreSQL yet, and when each was first seen. No I/O."""

from collections.abc import Callable, Mapping
from typing import Final

from scenarios.judge.history import Poll, SightingLog, Sightings
from scenarios.judge.ledger import Ledger

#: Of how many products the version seen last is remembered, besides those that are asked for. One that was
#: forgotten is only read once more than necessary.
_REMEMBERED: Final = 50_000


class RowTracker:
    """A poll is `ask`, a query to PostgreSQL, and `take`, in one thread; `sightings` once that has ended."""

    def __init__(self, ledger: Ledger, note: Callable[[Poll], None] | None = None) -> None:
        """
        Args:
            note: Takes each poll; None: they are kept for `sightings`.
        """
        self._ledger = ledger
        self._log = SightingLog()
        self._note = note or self._log.add
        #: How many writes of the ledger were read.
        self.taken = 0
        self._polls = 0
        #: Of the products that are asked for, the newest version, and the first poll that asked for it.
        self._newest: dict[str, int] = {}
        self.waiting: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def ask(self) -> dict[str, int]:
        """The products to look for, each with the newest version seen so far; 0: it was not seen."""
        writes = self._ledger.since(self.taken)
        self.taken += len(writes)
        for write in writes:
            product, version = write.product, write.version
            if write.answer != "acknowledged" or product is None or version is None:
                continue
            if version > max(self._newest.get(product, 0), self._seen.get(product, 0)):
                self._newest[product] = version
                self.waiting.setdefault(product, self._polls)
        return {product: self._seen.get(product, 0) for product in self.waiting}

    def take(self, sent_at: float, answered_at: float, rows: Mapping[str, int]) -> None:
        """A poll was answered.

        Args:
            sent_at: When it was sent, s of labctl's monotonic clock; `answered_at` likewise.
            rows: By product, the version of each row that is newer than it was seen before.
        """
        number, news = self._polls, []
        self._polls += 1
        for product, version in rows.items():
            if version <= self._seen.get(product, 0):
                continue
            news.append((product, version, self.waiting.pop(product, number)))
            self._remember(product, version)
            if self._newest.get(product, 0) > version:
                # This poll also showed that the newest write was not there yet.
                self.waiting[product] = number
            else:
                self._newest.pop(product, None)
        self._note(Poll(number=number, sent_at=sent_at, answered_at=answered_at, rows=news))

    @property
    def sightings(self) -> Sightings:
        """What was seen, if polls are not noted elsewhere."""
        return self._log.sightings(self.waiting)

    def _remember(self, product: str, version: int) -> None:
        # The newest comes last, so that the first is the one to forget.
        self._seen.pop(product, None)
        self._seen[product] = version
        if len(self._seen) > _REMEMBERED + len(self.waiting):
            del self._seen[next(iter(self._seen))]
