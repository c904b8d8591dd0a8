"""Writes that PostgreSQL must take before they are acknowledged."""

import time
from contextlib import suppress
from typing import Final, assert_never

from service.writebehind.entry import finish, timestamp
from service.writebehind.errors import (
    CacheUnavailable,
    NoSuchProduct,
    OutcomeUnknown,
    RowsRefused,
    StoreUnavailable,
)
from service.writebehind.scripts import caching
from service.writebehind.scripts.caching import Begun
from service.writebehind.scripts.script import Runner
from service.writebehind.scripts.writing import Absent, KnownRow, Operation
from service.writebehind.store import Store, StoredProduct

#: How often a script is run if the connection to Redis breaks, and for how many seconds at most: after that,
#: Redis is down, and the client has waited long enough.
_ATTEMPTS: Final = 3
_PATIENCE_S: Final = 0.5


class WriteThrough:
    """Commit first, then cache: a value that was never committed is never shown.

    A mark in Redis says that the write is under way (see lua/mark.lua). Whatever happens to this process
    and its connections, the mark stays until it is certain what is in PostgreSQL.
    """

    def __init__(self, scripts: Runner, store: Store, *, ttl: int) -> None:
        """
        Args:
            ttl: The process's own CACHE_TTL_SECONDS; the live setting overrides it.
        """
        self._scripts = scripts
        self._store = store
        self._ttl = ttl

    def write(
        self, operation: Operation, product_id: str, head: bytes, *, now: str, known: KnownRow
    ) -> bytes:
        """Write a document, and return it. `known` is what the caller found in PostgreSQL, if it looked.

        Raises:
            CacheUnavailable: the write was not taken.
            StoreUnavailable: the write was not taken.
            RowsRefused: the write was not taken: PostgreSQL refuses this product.
            OutcomeUnknown: PostgreSQL may have taken it.
            NoSuchProduct: there is none to update or delete.
        """
        begun = self._begin(operation, product_id, now, known)
        document = finish(head, created_at=begun.created_at, updated_at=now, version=begun.version)
        changed = self._commit(product_id, begun, document)
        self._settle(product_id, begun.version, document, changed)
        return document

    def _begin(self, operation: Operation, product_id: str, now: str, known: KnownRow) -> Begun:
        attempts = 0
        while True:
            try:
                reply = caching.begin(self._scripts, operation, product_id, now=now, known=known)
            except OutcomeUnknown as error:
                # A mark may have been left, but nothing was sent to PostgreSQL.
                attempts += 1
                if attempts == _ATTEMPTS:
                    raise CacheUnavailable(str(error)) from error
                continue
            match reply:
                case Begun():
                    return reply
                case Absent.MISSING if not known.state:
                    known = look_up(self._store, product_id)
                case Absent():
                    raise NoSuchProduct(product_id)
                case _:
                    assert_never(reply)

    def _commit(self, product_id: str, begun: Begun, document: bytes) -> int:
        """Returns the number of rows that SQL changed."""
        try:
            return self._store.write([document])
        except (StoreUnavailable, RowsRefused) as error:
            with suppress(CacheUnavailable, OutcomeUnknown):
                caching.abandon(self._scripts, product_id, begun, ttl=self._ttl)
            if isinstance(error, RowsRefused) and not error.blames_the_row:
                raise StoreUnavailable(f"PostgreSQL can't work: {error}") from error
            raise

    def _settle(self, product_id: str, version: int, document: bytes, changed: int) -> None:
        # The row is committed, so the write is acknowledged even if Redis has gone meanwhile: the mark
        # that `begin` left lets readers find the row.
        started = time.monotonic()
        for _ in range(_ATTEMPTS):
            try:
                caching.settle(self._scripts, product_id, version, document, changed=changed, ttl=self._ttl)
            except (CacheUnavailable, OutcomeUnknown):
                if time.monotonic() - started > _PATIENCE_S:
                    return
            else:
                return


def look_up(store: Store, product_id: str) -> KnownRow:
    """What PostgreSQL knows of a product. Raises `StoreUnavailable`."""
    row = store.look(product_id)
    if row is None:
        return KnownRow(state="nowhere")
    if isinstance(row, StoredProduct):
        return KnownRow(row.version, timestamp(row.created_at), "row")
    return KnownRow(row.version, state="deleted")
