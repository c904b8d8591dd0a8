"""The newest products: rows of PostgreSQL, overlaid with what Redis knows that PostgreSQL does not."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

import redis

from service.writebehind import keys
from service.writebehind.entry import is_tombstone, to_document, version_of, with_source
from service.writebehind.scripts.runner import map_redis_errors
from service.writebehind.store import Store

#: How many ids are read from each place where an unpersisted product can be: the newest of the queue, of the
#: retries, and of the claims (at least the largest batch). It bounds the cost.
_QUEUED: Final = 1_000
_RETRYING: Final = 1_000
_CLAIMED: Final = 5_000


def newest(client: "redis.Redis", store: Store, limit: int) -> list[bytes]:
    """Documents of the `limit` products that were created last, newest first, each with its `source`.

    Raises `CacheUnavailable` and `StoreUnavailable`.
    """
    # Redis first: an entry that is flushed between the two reads is then seen twice, instead of not at all.
    waiting = _waiting(client)
    deleted = sum(map(is_tombstone, waiting.values()))
    rows = {row.id.encode(): row.document() for row in store.newest(limit + deleted)}
    documents = _Newest()
    for product_id, entry in waiting.items():
        documents.offer(product_id, to_document(entry), "pending")
    for product_id, document, source in _replacements(client, list(rows)):
        documents.offer(product_id, document, source)
    for product_id, document in rows.items():
        documents.offer(product_id, document, "database")
    return sorted(documents.alive(), key=_created_at, reverse=True)[:limit]


class _Newest:
    """The newest document of each product; of two with the same version, the one offered last."""

    def __init__(self) -> None:
        self._found: dict[bytes, tuple[int, bytes, str]] = {}

    def offer(self, product_id: bytes, document: bytes, source: str) -> None:
        version = version_of(document)
        if version and version >= self._found.get(product_id, (0,))[0]:
            self._found[product_id] = (version, document, source)

    def alive(self) -> Iterator[bytes]:
        """The documents of products that are not deleted, each with its source."""
        for _, document, source in self._found.values():
            if not is_tombstone(document):
                yield with_source(document, source)


def _waiting(client: "redis.Redis") -> dict[bytes, bytes]:
    """Ids and entries of products that are queued, claimed or waiting for a retry."""
    with map_redis_errors():
        pipe = client.pipeline(transaction=True)
        pipe.lrange(keys.QUEUE, -_QUEUED, -1)
        pipe.zrevrange(keys.INFLIGHT, 0, _CLAIMED - 1)
        pipe.zrevrange(keys.RETRY, 0, _RETRYING - 1)
        # A key of the wrong type gives an error instead of a list.
        places = [ids for ids in pipe.execute(raise_on_error=False) if isinstance(ids, list)]
    ids = list(dict.fromkeys(chain.from_iterable(places)))
    return {i: e for i, e in zip(ids, _pending(client, ids), strict=True) if e is not None}


def _replacements(client: "redis.Redis", ids: list[bytes]) -> Iterable[tuple[bytes, bytes, str]]:
    """What Redis holds of products that are in PostgreSQL. If a pending entry has just been flushed, the
    cache still has it."""
    if not ids:
        return
    with map_redis_errors():
        cached: Any = client.mget([keys.cache(i.decode()) for i in ids])
    for product_id, entry, document in zip(ids, _pending(client, ids), cached, strict=True):
        if document is not None:
            yield product_id, document, "cache"
        if entry is not None:
            yield product_id, to_document(entry), "pending"


def _pending(client: "redis.Redis", ids: list[bytes]) -> list[bytes | None]:
    if not ids:
        return []
    with map_redis_errors():
        pipe = client.pipeline(transaction=False)
        pipe.hmget(keys.PENDING, ids)
        entries: Any = pipe.execute(raise_on_error=False)[0]
    return entries if isinstance(entries, list) else [None] * len(ids)


def _created_at(document: bytes) -> bytes:
    return document.partition(b'"created_at":"')[2][:32]
