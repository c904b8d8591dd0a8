"""Writes: the promise of the write path, under either policy."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from service.writebehind import keys
from service.writebehind.buffer import Accepted, Buffer, KnownRow, Operation
from service.writebehind.entry import Product, finish, product_head, timestamp, tombstone_head, with_source
from service.writebehind.errors import (
    CacheUnavailable,
    NoSuchProduct,
    OutcomeUnknown,
    RowsRefused,
    StoreUnavailable,
)
from service.writebehind.scripts import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store

#: ms for which nobody may fill the cache while PostgreSQL is being written: longer than a write can take.
_WRITING_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Written:
    """An acknowledged write."""

    id: str
    #: The document with its `source`: `cache` under write-behind, `database` under write-through.
    body: bytes


class Writes:
    """Creates, updates and deletes products. What it returns is acknowledged; what it raises is not.

    Raises, from every method: `CacheUnavailable`, `StoreUnavailable` or `QueueFull`, the write was not
    taken; `RowsRefused`, nor will it ever be; `OutcomeUnknown`, nobody can say. `policy` is the one that
    the request asked for, '' for none.
    """

    def __init__(
        self,
        scripts: Scripts,
        store: Store,
        settings: Settings,
        *,
        signal_flush: Callable[[], None],
    ) -> None:
        self._scripts = scripts
        self._buffer = Buffer(scripts)
        self._store = store
        self._settings = settings
        self._signal_flush = signal_flush

    def create(self, product: Product, *, policy: str = "") -> Written:
        product_id = str(uuid.uuid4())
        return self._write("create", product_id, product_head(product_id, product), policy)

    def update(self, product_id: str, product: Product, *, policy: str = "") -> Written:
        """Raises NoSuchProduct if the product is nowhere."""
        return self._write("update", product_id, product_head(product_id, product), policy)

    def delete(self, product_id: str, *, policy: str = "") -> Written:
        """Raises NoSuchProduct if the product is nowhere."""
        return self._write("delete", product_id, tombstone_head(product_id), policy)

    def _write(self, operation: Operation, product_id: str, head: bytes, policy: str) -> Written:
        now = timestamp()

        def behind(known: KnownRow) -> Any:
            return self._buffer.write(
                operation, product_id, head, now=now, known=known, policy=policy, settings=self._settings
            )

        known = KnownRow()
        answer = behind(known)
        if answer == "missing":
            known = self._look_up(product_id)
            answer = behind(known)
        if answer == "write_through":
            return self._write_through(operation, product_id, head, now, known)
        if not isinstance(answer, Accepted):
            raise NoSuchProduct(product_id)
        if answer.signal:
            self._signal_flush()
        return Written(product_id, with_source(answer.document, "cache"))

    def _write_through(
        self, operation: Operation, product_id: str, head: bytes, now: str, known: KnownRow
    ) -> Written:
        """Commit first, then cache: a value that was never committed is never shown."""

        def begin(known: KnownRow) -> Any:
            return self._scripts.run(
                "begin",
                (keys.cache(product_id), keys.PENDING, keys.CLOCK, keys.fill(product_id)),
                (product_id, operation, known.version, known.created_at, now, _WRITING_MS),
            )

        begun = begin(known)
        if begun[0] == b"missing":
            begun = begin(self._look_up(product_id))
        if begun[0] != b"ok":
            raise NoSuchProduct(product_id)
        version, created_at = int(begun[1]), begun[2].decode()
        document = finish(head, created_at=created_at, updated_at=now, version=version)
        try:
            self._store.write([document])
        except RowsRefused as error:
            if error.blames_the_row:
                raise
            raise StoreUnavailable(f"PostgreSQL can't write: {error}") from error
        self._settle(product_id, version, document)
        return Written(product_id, with_source(document, "database"))

    def _settle(self, product_id: str, version: int, document: bytes) -> None:
        # The row is committed, so the write is acknowledged even where Redis has gone meanwhile: `begin`
        # took the cache entry away and keeps readers from filling it with the old row.
        with suppress(CacheUnavailable, OutcomeUnknown):
            self._scripts.run(
                "settle",
                (
                    keys.cache(product_id),
                    keys.PENDING,
                    keys.fill(product_id),
                    keys.TOTALS,
                    keys.INFLIGHT,
                    keys.BACKLOG,
                ),
                (product_id, version, document, self._settings.cache_ttl_seconds),
            )

    def _look_up(self, product_id: str) -> KnownRow:
        row = self._store.get(product_id)
        if row is None:
            raise NoSuchProduct(product_id)
        return KnownRow(row.version, timestamp(row.created_at))
