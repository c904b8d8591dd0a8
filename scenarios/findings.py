"""What is found once the stack is quiet: rows, dead letters, pending entries, cache. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A product as PostgreSQL or the cache holds it, or the tombstone that a delete left there."""

    version: int
    #: name, price, quantity; None for a tombstone.
    value: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The final read, taken straight from PostgreSQL and Redis, never through the API: a read through
    the cache reports no loss where all is lost."""

    #: Of the products that the ledger names: the row, or the tombstone where there is none.
    rows: Mapping[str, Held] = field(default_factory=dict)
    #: Rows written since `since` that the ledger does not name.
    strangers: Mapping[str, Held] = field(default_factory=dict)
    #: Versions of each product in the dead letter queue.
    dead_letters: Mapping[str, frozenset[int]] = field(default_factory=dict)
    #: Versions of each product that are queued, in flight or waiting for a retry.
    pending: Mapping[str, frozenset[int]] = field(default_factory=dict)
    cached: Mapping[str, Held] = field(default_factory=dict)
    #: The highest version at which each row was seen earlier in the run.
    seen: Mapping[str, int] = field(default_factory=dict)
    #: Versions up to this one are older than the run.
    since: int = 0
