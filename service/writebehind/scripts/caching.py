"""The cache of products: what readers find, and the mark of a write to PostgreSQL that is under way.

While the mark is there, nothing is cached (see lua/mark.lua).

`ttl` is the process's own CACHE_TTL_SECONDS; the live setting overrides it.
"""

import uuid
from dataclasses import dataclass
from typing import Literal

from service.writebehind import keys
from service.writebehind.scripts.script import Runner
from service.writebehind.scripts.writing import Absent, KnownRow, Operation


@dataclass(frozen=True, slots=True)
class Found:
    """A document that Redis holds."""

    document: bytes
    source: Literal["cache", "pending"]


@dataclass(frozen=True, slots=True)
class Missed:
    """Redis holds nothing. The holder of the token may cache what PostgreSQL holds."""

    token: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A write to PostgreSQL is under way, so PostgreSQL must be asked. The newer of its answer and `pending`
    counts."""

    #: A document; empty if nothing is pending.
    pending: bytes
    mark: bytes
    age_us: int


ReadReply = Found | Missed | Marked


@dataclass(frozen=True, slots=True)
class Begun:
    """A write to PostgreSQL that is marked as under way."""

    version: int
    created_at: str
    #: The cache entry that was taken away; empty if there was none.
    cached: bytes


def read(scripts: Runner, product_id: str) -> ReadReply:
    """Look a product up: its cache entry, then its pending entry."""
    token = uuid.uuid4().hex
    outcome, *content = scripts.run(
        "read",
        (keys.cache(product_id), keys.PENDING, keys.fill(product_id), keys.CLOCK),
        (product_id, token),
    )
    if outcome == b"miss":
        return Missed(token)
    if outcome == b"look":
        pending, mark, age_us = content
        return Marked(pending, mark, int(age_us))
    return Found(content[0], "cache" if outcome == b"cache" else "pending")


def fill(scripts: Runner, product_id: str, token: str, document: bytes, *, ttl: int) -> None:
    """Cache what PostgreSQL holds, unless the product was written since the token was given."""
    scripts.run(
        "fill",
        (keys.cache(product_id), keys.fill(product_id), keys.PENDING, keys.CONFIG),
        (product_id, token, document, ttl),
    )


def begin(
    scripts: Runner, operation: Operation, product_id: str, *, now: str, known: KnownRow
) -> Begun | Absent:
    """Assign a version to a write to PostgreSQL and mark it as under way. A mark that is left behind, or set
    twice, does no harm.

    Args:
        now: `updated_at`, ISO 8601.
        known: What the caller found in PostgreSQL.
    """
    outcome, *begun = scripts.run(
        "begin",
        (keys.cache(product_id), keys.PENDING, keys.CLOCK, keys.fill(product_id)),
        (product_id, operation, known.state, known.version, known.created_at, now),
    )
    if outcome == b"ok":
        return Begun(int(begun[0]), begun[1].decode(), begun[2])
    return Absent(outcome)


def settle(
    scripts: Runner, product_id: str, version: int, document: bytes, *, changed: int, ttl: int
) -> None:
    """A write that was begun is committed; `changed` is the number of rows that SQL changed."""
    scripts.run("settle", _pending_and_cache(product_id), (product_id, version, document, changed, ttl))


def abandon(scripts: Runner, product_id: str, begun: Begun, *, ttl: int) -> None:
    """A write that was begun certainly did not happen."""
    scripts.run(
        "abandon",
        (keys.cache(product_id), keys.fill(product_id), keys.CONFIG),
        (begun.version, begun.cached, ttl),
    )


def resolve(
    scripts: Runner, product_id: str, found: Marked, *, version: int, document: bytes, ttl: int
) -> None:
    """A read found a mark, and then this document in PostgreSQL (version 0: none)."""
    scripts.run(
        "resolve",
        (*_pending_and_cache(product_id), keys.CLOCK),
        (product_id, found.mark, found.age_us, version, document, ttl),
    )


def _pending_and_cache(product_id: str) -> tuple[str, ...]:
    return (
        keys.cache(product_id), keys.PENDING, keys.fill(product_id), keys.TOTALS, keys.INFLIGHT,
        keys.BACKLOG, keys.CONFIG,
    )  # fmt: skip
