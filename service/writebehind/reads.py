"""Reads: the cache, then what is pending, then PostgreSQL. A client always finds its own writes."""

import uuid
from typing import Any

from service.writebehind import keys
from service.writebehind.entry import is_tombstone, to_document, with_source
from service.writebehind.errors import NoSuchProduct
from service.writebehind.scripts import Scripts, plain_commands
from service.writebehind.settings import Settings
from service.writebehind.store import Store


class Reads:
    """Product look-ups. Raises `CacheUnavailable` and `StoreUnavailable`."""

    def __init__(self, scripts: Scripts, store: Store, settings: Settings) -> None:
        self._scripts = scripts
        self._store = store
        self._settings = settings

    def get(self, product_id: str) -> bytes:
        """The product's document with its `source`: cache, pending or database.

        Raises:
            NoSuchProduct: it is nowhere, or deleted.
        """
        cache, fill = keys.cache(product_id), keys.fill(product_id)
        token = uuid.uuid4().hex
        found, content = self._scripts.run("read", (cache, keys.PENDING, fill), (product_id, token))
        if found != b"miss":
            if is_tombstone(content):
                raise NoSuchProduct(product_id)
            return with_source(content, found.decode())
        row = self._store.get(product_id)
        if row is None:
            raise NoSuchProduct(product_id)
        document = row.document()
        if content:
            ttl = self._settings.cache_ttl_seconds
            self._scripts.run("fill", (cache, fill, keys.PENDING), (product_id, token, document, ttl))
        return with_source(document, "database")

    def newest(self, limit: int) -> list[bytes]:
        """Documents of the `limit` products that were created last, newest first: rows of PostgreSQL,
        overlaid with what is pending."""
        # Redis first: what is flushed between the two looks is then seen twice, never not at all.
        with plain_commands():
            queued: Any = self._scripts.client.lrange(keys.QUEUE, -limit, -1)
        # Some of the rows may turn out to be deleted.
        newest = self._store.newest(limit + len(queued))
        rows = {row.id.encode(): with_source(row.document(), "database") for row in newest}
        wanted = list(dict.fromkeys([*queued, *rows]))
        with plain_commands():
            entries: Any = self._scripts.client.hmget(keys.PENDING, wanted) if wanted else []
        for product_id, entry in zip(wanted, entries, strict=True):
            if entry is not None and is_tombstone(entry):
                rows.pop(product_id, None)
            elif entry is not None:
                rows[product_id] = with_source(to_document(entry), "pending")
        return sorted(rows.values(), key=_created_at, reverse=True)[:limit]


def _created_at(document: bytes) -> bytes:
    return document.partition(b'"created_at":"')[2][:32]
