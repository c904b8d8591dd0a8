"""The cache of products in Redis: what readers find there, and the mark of a write to PostgreSQL that is
under way, while which nothing is cached (see lua/mark.lua)."""

import uuid
from dataclasses import dataclass
from typing import Literal

from service.writebehind import keys
from service.writebehind.buffer import KnownRow, Operation
from service.writebehind.scripts import Scripts


@dataclass(frozen=True, slots=True)
class Found:
    """A document that Redis holds."""

    document: bytes
    source: Literal["cache", "pending"]


@dataclass(frozen=True, slots=True)
class Missed:
    """Redis holds nothing; whoever has the token may cache what PostgreSQL holds."""

    token: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A write to PostgreSQL is under way: it must be asked. The newer of its answer and `pending` counts."""

    #: A document, empty where nothing is pending.
    pending: bytes
    mark: bytes
    #: µs
    age: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A write to PostgreSQL that is marked as under way."""

    version: int
    created_at: str


class Cache:
    """The scripts about the cache as calls. Raises `CacheUnavailable`; what changes something also
    `OutcomeUnknown`. `ttl` is the process's own CACHE_TTL_SECONDS; the live setting overrides it."""

    def __init__(self, scripts: Scripts, *, ttl: int) -> None:
        self._scripts = scripts
        self._ttl = ttl

    def read(self, product_id: str) -> Found | Missed | Marked:
        token = uuid.uuid4().hex
        found, *content = self._scripts.run(
            "read",
            (keys.cache(product_id), keys.PENDING, keys.fill(product_id), keys.CLOCK),
            (product_id, token),
        )
        if found == b"miss":
            return Missed(token)
        if found == b"look":
            pending, mark, age = content
            return Marked(pending, mark, int(age))
        return Found(content[0], "cache" if found == b"cache" else "pending")

    def fill(self, product_id: str, token: str, document: bytes) -> None:
        """Cache what PostgreSQL holds, unless the product was written since the token was given."""
        self._scripts.run(
            "fill",
            (keys.cache(product_id), keys.fill(product_id), keys.PENDING, keys.CONFIG),
            (product_id, token, document, self._ttl),
        )

    def begin(
        self, operation: Operation, product_id: str, *, now: str, known: KnownRow
    ) -> Begun | Literal["missing", "gone"]:
        """Assign a version to a write to PostgreSQL and mark it as under way. Not to have begun it, or twice,
        does no harm."""
        outcome, *begun = self._scripts.run(
            "begin",
            (keys.cache(product_id), keys.PENDING, keys.CLOCK, keys.fill(product_id)),
            (product_id, operation, known.state, known.version, known.created_at, now),
        )
        if outcome == b"ok":
            return Begun(int(begun[0]), begun[1].decode())
        return "missing" if outcome == b"missing" else "gone"

    def settle(self, product_id: str, version: int, document: bytes, *, changed: int) -> None:
        """A write that was begun is committed; `changed` is the number of rows that SQL changed."""
        self._scripts.run(
            "settle", self._pending_and_cache(product_id), (product_id, version, document, changed, self._ttl)
        )

    def abandon(self, product_id: str, version: int) -> None:
        """A write that was begun certainly did not happen."""
        self._scripts.run("abandon", (keys.fill(product_id),), (version,))

    def resolve(self, product_id: str, found: Marked, *, version: int, document: bytes) -> None:
        """A read found a mark, and this in PostgreSQL (version 0: nothing)."""
        self._scripts.run(
            "resolve",
            (*self._pending_and_cache(product_id), keys.CLOCK),
            (product_id, found.mark, found.age, version, document, self._ttl),
        )

    @staticmethod
    def _pending_and_cache(product_id: str) -> tuple[str, ...]:
        return (
            keys.cache(product_id), keys.PENDING, keys.fill(product_id), keys.TOTALS, keys.INFLIGHT,
            keys.BACKLOG, keys.CONFIG,
        )  # fmt: skip
