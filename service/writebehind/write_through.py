"""Writes that PostgreSQL must take before they are acknowledged."""

import time
from contextlib import suppress
from typing import Final

from service.writebehind.buffer import KnownRow, Operation
from service.writebehind.cache import Begun, Cache
from service.writebehind.entry import finish, timestamp
from service.writebehind.errors import (
    CacheUnavailable,
    NoSuchProduct,
    OutcomeUnknown,
    RowsRefused,
    StoreUnavailable,
)
from service.writebehind.store import Store, StoredProduct

#: How often a script is run where the connection to Redis breaks, and for how many s at most: beyond, Redis
#: is not there, and the client has waited for long enough.
_ATTEMPTS: Final = 3
_PATIENCE_SECONDS: Final = 0.5


class WriteThrough:
    """Commit first, then cache: a value that was never committed is never shown.

    A mark in Redis says that the write is under way (see lua/mark.lua). Whatever becomes of this process
    and its connections, the mark stays until it is certain what is in PostgreSQL.
    """

    def __init__(self, cache: Cache, store: Store) -> None:
        self._cache = cache
        self._store = store

    def write(
        self, operation: Operation, product_id: str, head: bytes, *, now: str, known: KnownRow
    ) -> bytes:
        """Write a document, and return it. `known` is what the caller found in PostgreSQL, if it looked.

        Raises:
            CacheUnavailable: not taken.
            StoreUnavailable: not taken.
            RowsRefused: not taken: PostgreSQL refuses this product.
            OutcomeUnknown: PostgreSQL may have taken it.
            NoSuchProduct: there is none to be updated or deleted.
        """
        begun = self._begin(operation, product_id, now, known)
        document = finish(head, created_at=begun.created_at, updated_at=now, version=begun.version)
        changed = self._commit(product_id, begun.version, document)
        self._settle(product_id, begun.version, document, changed)
        return document

    def _begin(self, operation: Operation, product_id: str, now: str, known: KnownRow) -> Begun:
        attempts = 0
        while True:
            try:
                begun = self._cache.begin(operation, product_id, now=now, known=known)
            except OutcomeUnknown as error:
                # A mark may have been left; PostgreSQL was told nothing.
                attempts += 1
                if attempts == _ATTEMPTS:
                    raise CacheUnavailable(str(error)) from error
                continue
            if isinstance(begun, Begun):
                return begun
            if begun == "gone" or known.state:
                raise NoSuchProduct(product_id)
            known = look_up(self._store, product_id)

    def _commit(self, product_id: str, version: int, document: bytes) -> int:
        """Returns the number of rows that SQL changed."""
        try:
            return self._store.write([document])
        except (StoreUnavailable, RowsRefused) as error:
            with suppress(CacheUnavailable, OutcomeUnknown):
                self._cache.abandon(product_id, version)
            if isinstance(error, RowsRefused) and not error.blames_the_row:
                raise StoreUnavailable(f"PostgreSQL can't work: {error}") from error
            raise

    def _settle(self, product_id: str, version: int, document: bytes, changed: int) -> None:
        # The row is committed, so the write is acknowledged even where Redis has gone meanwhile: the mark
        # that `begin` left lets readers find the row.
        started = time.monotonic()
        for _ in range(_ATTEMPTS):
            try:
                self._cache.settle(product_id, version, document, changed=changed)
            except (CacheUnavailable, OutcomeUnknown):
                if time.monotonic() - started > _PATIENCE_SECONDS:
                    return
            else:
                return


def look_up(store: Store, product_id: str) -> KnownRow:
    """What PostgreSQL knows of a product. Raises `StoreUnavailable`."""
    held = store.look(product_id)
    if held is None:
        return KnownRow(state="nowhere")
    if isinstance(held, StoredProduct):
        return KnownRow(held.version, timestamp(held.created_at), "row")
    return KnownRow(held.version, state="deleted")
