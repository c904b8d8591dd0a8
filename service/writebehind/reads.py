"""Reads: the cache, then what is pending, then PostgreSQL. A client always finds its own writes."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from service.writebehind.cache import Cache, Marked, Missed
from service.writebehind.entry import is_tombstone, version_of, with_source
from service.writebehind.errors import CacheUnavailable, NoSuchProduct, OutcomeUnknown
from service.writebehind.listing import newest
from service.writebehind.scripts import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store

T = TypeVar("T")


class Reads:
    """Product look-ups. Raises `CacheUnavailable` and `StoreUnavailable`."""

    def __init__(self, scripts: Scripts, store: Store, settings: Settings) -> None:
        self._client = scripts.client
        self._cache = Cache(scripts, ttl=settings.cache_ttl_seconds)
        self._store = store

    def get(self, product_id: str) -> bytes:
        """The product's document with its `source`: cache, pending or database.

        Raises:
            NoSuchProduct: it is nowhere, or deleted.
        """
        found = _repeatable(lambda: self._cache.read(product_id))
        if isinstance(found, Missed):
            document, source = self._fill(product_id, found), "database"
        elif isinstance(found, Marked):
            document, source = self._look_behind(product_id, found)
        else:
            document, source = found.document, found.source
        if not document or is_tombstone(document):
            raise NoSuchProduct(product_id)
        return with_source(document, source)

    def newest(self, limit: int) -> list[bytes]:
        """Documents of the `limit` products that were created last, newest first, each with its `source`."""
        return newest(self._client, self._store, limit)

    def _fill(self, product_id: str, missed: Missed) -> bytes:
        row = self._store.get(product_id)
        if row is None:
            return b""
        document = row.document()
        # The answer is known; that Redis can't keep it is no reason to withhold it.
        with suppress(CacheUnavailable, OutcomeUnknown):
            self._cache.fill(product_id, missed.token, document)
        return document

    def _look_behind(self, product_id: str, marked: Marked) -> tuple[bytes, str]:
        """What is newest while a write to PostgreSQL is under way."""
        held = self._store.look(product_id)
        document = held.document() if held else b""
        with suppress(CacheUnavailable, OutcomeUnknown):
            self._cache.resolve(product_id, marked, version=held.version if held else 0, document=document)
        if version_of(marked.pending) > version_of(document):
            return marked.pending, "pending"
        return document, "database"


def _repeatable(look: Callable[[], T]) -> T:
    """Look again where the connection broke: a read changes nothing that matters."""
    try:
        return look()
    except OutcomeUnknown:
        try:
            return look()
        except OutcomeUnknown as error:
            raise CacheUnavailable(str(error)) from error
