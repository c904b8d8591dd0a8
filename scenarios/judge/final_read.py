"""What PostgreSQL and Redis hold once everything is flushed: rows, dead letters, pending entries, cache."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

Value = Mapping[str, Any]
#: The parts that are read separately: the rows in PostgreSQL, and three parts of Redis.
Part = Literal["rows", "dead_letters", "pending", "cached"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValue:
    """A product as PostgreSQL or Redis holds it, or the tombstone that a delete left there."""

    version: int
    #: name, price, quantity; None for a tombstone.
    value: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The final read, taken straight from PostgreSQL and Redis, never through the API: a read through
    the cache reports no loss where all is lost."""

    #: The rows of the products that the ledger names, or their tombstones where there is no row.
    rows: Mapping[str, StoredValue] = field(default_factory=dict)
    #: Rows written since `since` that the ledger does not name.
    unattributed: Mapping[str, StoredValue] = field(default_factory=dict)
    #: The dead letter queue, with the letters of all products.
    dead_letters: Mapping[str, Sequence[StoredValue]] = field(default_factory=dict)
    #: What is queued, in flight or waiting for a retry of the products that the ledger names.
    pending: Mapping[str, Sequence[StoredValue]] = field(default_factory=dict)
    cached: Mapping[str, StoredValue] = field(default_factory=dict)
    #: The highest version at which each row was seen earlier in the run.
    seen: Mapping[str, int] = field(default_factory=dict)
    #: Versions up to this one are older than the run.
    since: int = 0
    #: The parts that could not be read, each with the reason: "Redis does not answer: …". That such a part is
    #: empty means nothing.
    unread: Mapping[Part, str] = field(default_factory=dict)

    def reads(self, *parts: Part) -> bool:
        """Whether all of these parts were read."""
        return not any(part in self.unread for part in parts)
