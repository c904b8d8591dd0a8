"""Reads: the cache, then what is pending, then PostgreSQL. A client always finds its own writes."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, assert_never

from service.writebehind.entry import is_tombstone, version_of, with_source
from service.writebehind.errors import CacheUnavailable, NoSuchProduct, OutcomeUnknown
from service.writebehind.listing import newest
from service.writebehind.scripts import caching
from service.writebehind.scripts.caching import Found, Marked, Missed
from service.writebehind.scripts.runner import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store

T = TypeVar("T")


class Reads:
    """Product look-ups. Raises `CacheUnavailable` and `StoreUnavailable`."""

    def __init__(self, scripts: Scripts, store: Store, settings: Settings) -> None:
        self._scripts = scripts
        self._ttl = settings.cache_ttl_seconds
        self._store = store

    def get(self, product_id: str) -> bytes:
        """The product's document with its `source`: cache, pending or database.

        Raises:
            NoSuchProduct: there is none, or it was deleted.
        """
        reply = _repeatable(lambda: caching.read(self._scripts, product_id))
        match reply:
            case Found():
                document, source = reply.document, str(reply.source)
            case Missed():
                document, source = self._fill(product_id, reply), "database"
            case Marked():
                document, source = self._look_behind(product_id, reply)
            case _:
                assert_never(reply)
        if not document or is_tombstone(document):
            raise NoSuchProduct(product_id, source)
        return with_source(document, source)

    def newest(self, limit: int) -> list[bytes]:
        """Documents of the `limit` products that were created last, newest first, each with its `source`."""
        return newest(self._scripts.client, self._store, limit)

    def _fill(self, product_id: str, missed: Missed) -> bytes:
        row = self._store.get(product_id)
        if row is None:
            return b""
        document = row.document()
        # The answer is known, even if Redis can't keep it.
        with suppress(CacheUnavailable, OutcomeUnknown):
            caching.fill(self._scripts, product_id, missed.token, document, ttl=self._ttl)
        return document

    def _look_behind(self, product_id: str, marked: Marked) -> tuple[bytes, str]:
        """The newest document, and its source, while a write to PostgreSQL is under way."""
        row = self._store.look(product_id)
        document = row.document() if row else b""
        with suppress(CacheUnavailable, OutcomeUnknown):
            caching.resolve(
                self._scripts,
                product_id,
                marked,
                version=row.version if row else 0,
                document=document,
                ttl=self._ttl,
            )
        if version_of(marked.pending) > version_of(document):
            return marked.pending, "pending"
        return document, "database"


def _repeatable(look: Callable[[], T]) -> T:
    """Look again if the connection broke: repeating a read does no harm."""
    try:
        return look()
    except OutcomeUnknown:
        try:
            return look()
        except OutcomeUnknown as error:
            raise CacheUnavailable(str(error)) from error
