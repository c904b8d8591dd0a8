"""The verdict: a pure function of the ledger and of what is found once the stack is quiet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Class = Literal["persisted", "superseded", "dead_lettered", "pending", "lost"]
Validity = Literal["valid", "unknown", "invalid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A product as PostgreSQL holds it, or the tombstone that a delete left (`deleted`)."""

    product: str
    version: int
    #: name, price, quantity; None for a tombstone.
    value: dict[str, Any] | None
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The final read, taken straight from PostgreSQL and Redis, never through the API."""

    rows: Mapping[str, Row]
    #: Versions of each product in the dead letter queue.
    dead_letters: Mapping[str, frozenset[int]]
    #: Versions of each product that are queued, in flight or waiting for a retry.
    pending: Mapping[str, frozenset[int]]
    #: Version of each product's cache entry, where it has one.
    cached: Mapping[str, int]
    #: Names of rows that were found though no ledger write named their product (creates that were
    #: never answered are recognised by their value): products in the database beyond the ledger's.
    strangers: Mapping[str, Row]
    #: Rows seen earlier in the run: the highest version of each.
    seen: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One acknowledged write and what became of it."""

    product: str
    version: int
    group: str
    label: str
    fate: Class


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of every write. `acknowledged` equals the sum of `fates`, always."""

    validity: Validity
    #: Why the validity is not `valid`: one sentence each; empty when it is.
    reasons: tuple[str, ...]
    acknowledged: int
    refused: int
    unknown: int
    #: Acknowledged writes by class; every class is present.
    fates: Mapping[Class, int]
    judged: tuple[Judged, ...]
    #: Products whose last acknowledged value is lost.
    lost_products: tuple[str, ...]
    #: Unknown writes that were found persisted, by product.
    recovered: tuple[str, ...]
    #: In the database, but never attempted, or refused.
    unexpected: tuple[str, ...]
    #: Rows older than they were seen earlier.
    regressed: tuple[str, ...]
    #: Cache entry differs from the row after quiet.
    diverged: tuple[str, ...]
