"""What happened while somebody watched: the ledger's writes, rows as they were seen, lost memories.

Plain data. All times are s of labctl's monotonic clock.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scenarios.judge.final_read import StoredValue
from scenarios.judge.ledger import Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A row that was not there, or older, at one poll of PostgreSQL, and newer at a later one."""

    version: int
    #: When the poll that showed it was answered.
    at: float
    #: The number of that poll, and of the first that asked for this row and did not show it (the same where
    #: the first one showed it).
    poll: int
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What the polls of PostgreSQL saw. They ask for products with acknowledged writes not seen yet."""

    #: When each poll was sent, from the first on.
    polls: Sequence[float] = ()
    #: Of each product, in the order of the polls: the versions rise.
    seen: Mapping[str, Sequence[Sighting]] = field(default_factory=dict)
    #: Products that wait to be seen, or seen at a newer version: the number of the first poll that asked for
    #: them and showed nothing new.
    waiting: Mapping[str, int] = field(default_factory=dict)

    def since(self, product: str, version: int) -> Iterator[Sighting]:
        """The sightings of the product at this version and at later ones."""
        of_product = self.seen.get(product, ())
        first = bisect_left(of_product, version, key=lambda sighting: sighting.version)
        return (of_product[n] for n in range(first, len(of_product)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLoss:
    """Redis lost its memory: it died, it was emptied, or it came back as it had been earlier."""

    #: The last look that found the old memory began then.
    last_seen_at: float
    #: From here on the old memory was certainly gone: Redis was found dead, or with another memory.
    gone_at: float
    #: When the new memory was first found.
    changed_at: float
    #: µs of Redis' clock when each memory began; of the new one, None until a script ran in it.
    old_epoch: int
    new_epoch: int | None
    #: The highest moment that the old memory's clock was seen at, µs.
    old_moment: int = 0
    #: Pending entries and dead letters that the new memory was found with: they were not lost.
    survivors: Mapping[str, Sequence[StoredValue]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    writes: Sequence[Write] = ()
    sightings: Sightings = field(default_factory=Sightings)
    #: In the order in which they happened.
    losses: Sequence[MemoryLoss] = ()
    #: Why nobody can say whether there were others; empty where somebody watched.
    unwatched: str = ""
