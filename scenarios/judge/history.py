"""What happened during a run: the writes, when their rows were seen, and when Redis lost its memory.

Plain data. All times are s of labctl's monotonic clock.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scenarios.judge.final_read import StoredValue
from scenarios.judge.ledger import Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A poll of PostgreSQL showed a row for the first time, or a newer version of it."""

    version: int
    #: When the poll that showed it was answered.
    at: float
    #: The number of that poll, and of the first poll that asked for this row and did not show it. They are
    #: the same if the first poll showed it.
    poll: int
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What the polls of PostgreSQL saw. A poll asks for the products whose newest write was not seen yet."""

    #: When each poll was sent, in their order.
    polls: Sequence[float] = ()
    #: By product, in the order of the polls. The versions rise.
    seen: Mapping[str, Sequence[Sighting]] = field(default_factory=dict)
    #: By product that was asked for to the end: the number of the first poll that asked for its newest write
    #: and did not show it.
    waiting: Mapping[str, int] = field(default_factory=dict)

    def since(self, product: str, version: int) -> Iterator[Sighting]:
        """The sightings of the product at this version and at later ones."""
        of_product = self.seen.get(product, ())
        first = bisect_left(of_product, version, key=lambda sighting: sighting.version)
        return (of_product[n] for n in range(first, len(of_product)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One poll of PostgreSQL. Polls are numbered from 0."""

    number: int
    sent_at: float
    answered_at: float
    #: What it showed for the first time: the product, its version, and the first poll that asked for it.
    rows: Sequence[tuple[str, int, int]] = ()


class SightingLog:
    """Gathers polls into sightings."""

    def __init__(self) -> None:
        self._polls: list[float] = []
        self._seen: dict[str, list[Sighting]] = {}

    def add(self, poll: Poll) -> None:
        """Take in the next poll."""
        self._polls.append(poll.sent_at)
        for product, version, asked in poll.rows:
            seen = self._seen.setdefault(product, [])
            # A tracker that forgot a product sees its old version again.
            if not seen or seen[-1].version < version:
                seen.append(Sighting(version=version, at=poll.answered_at, poll=poll.number, asked=asked))

    def sightings(self, waiting: Mapping[str, int]) -> Sightings:
        """All that was seen, with the products that were asked for to the end."""
        return Sightings(polls=self._polls, seen=self._seen, waiting=waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLoss:
    """Redis lost its memory: it died, it was emptied, or it returned to an earlier state."""

    #: When the last look that found the old memory began.
    last_seen_at: float
    #: When the old memory was certainly gone: Redis was found dead, or with another memory.
    gone_at: float
    #: When the new memory was first found.
    changed_at: float
    #: When each memory began, µs of the clock of Redis; None until a script has run in the new one.
    old_epoch: int
    new_epoch: int | None
    #: The highest reading of the old memory's clock, µs.
    old_moment: int = 0
    #: Pending entries and dead letters that were in the new memory: they were not lost.
    survivors: Mapping[str, Sequence[StoredValue]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    writes: Sequence[Write] = ()
    #: Of a history that is judged in parts: unanswered creates that another part counts. Only their values
    #: say which rows and entries may be theirs.
    nameless: Sequence[Write] = ()
    sightings: Sightings = field(default_factory=Sightings)
    #: In the order in which they happened.
    losses: Sequence[MemoryLoss] = ()
    #: Why Redis was not watched, so that other losses may have been missed; empty if it was watched.
    unwatched: str = ""
