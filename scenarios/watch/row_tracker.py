"""Which acknowledged writes have not been seen in PostgreSQL yet, and when each was first seen. No I/O."""

from collections.abc import Mapping

from scenarios.judge.history import Sighting, Sightings
from scenarios.judge.ledger import Ledger


class RowTracker:
    """A poll is `ask`, a query to PostgreSQL, and `take`, in one thread; `sightings` once that has ended."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        #: How many writes of the ledger were read.
        self._taken = 0
        self._newest: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._polls: list[float] = []
        self._sightings: dict[str, list[Sighting]] = {}

    def ask(self) -> dict[str, int]:
        """The products to look for, each with the newest version seen so far; 0: it was not seen."""
        writes = self._ledger.since(self._taken)
        self._taken += len(writes)
        for write in writes:
            product, version = write.product, write.version
            if write.answer != "acknowledged" or product is None or version is None:
                continue
            if version > self._newest.get(product, 0):
                self._newest[product] = version
                if version > self._seen.get(product, 0):
                    self._waiting.setdefault(product, len(self._polls))
        return {product: self._seen.get(product, 0) for product in self._waiting}

    def take(self, sent_at: float, answered_at: float, rows: Mapping[str, int]) -> None:
        """A poll was answered.

        Args:
            sent_at: When it was sent, s of labctl's monotonic clock; `answered_at` likewise.
            rows: By product, the version of each row that is newer than it was seen before.
        """
        number = len(self._polls)
        self._polls.append(sent_at)
        for product, version in rows.items():
            if version <= self._seen.get(product, 0):
                continue
            asked = self._waiting.pop(product, number)
            sighting = Sighting(version=version, at=answered_at, poll=number, asked=asked)
            self._sightings.setdefault(product, []).append(sighting)
            self._seen[product] = version
            if self._newest.get(product, 0) > version:
                # This poll also showed that the newest write was not there yet.
                self._waiting[product] = number

    @property
    def sightings(self) -> Sightings:
        return Sightings(polls=self._polls, seen=self._sightings, waiting=self._waiting)
