"""Where a product is at the moment: in Redis, in PostgreSQL, among the dead letters."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec
from redis import Redis

from service.traces.life import Now, Unread, Version
from service.writebehind import keys
from service.writebehind.entry import queued_at_of, to_document, version_of
from service.writebehind.errors import CacheUnavailable, StoreUnavailable
from service.writebehind.scripts.runner import map_redis_errors
from service.writebehind.store import Store, StoredProduct

#: How many dead letters are searched; beyond it, it is not known whether there are more of the product.
_LETTERS: Final = 1_000
_BACKLOG: Final = 100


class _Letter(msgspec.Struct):
    """What is read of a dead letter."""

    id: str
    version: Version


_letters: Final = msgspec.json.Decoder(_Letter)


def present(client: "Redis", store: Store, product_id: str) -> tuple[Now, list[Unread]]:
    """Where a product is now, and what could not be read.

    Redis is read before PostgreSQL: a write that is flushed meanwhile is then seen twice rather than never.
    """
    unread: list[Unread] = []
    now = Now()
    try:
        with map_redis_errors():
            now, complete = _in_redis(client, product_id)
        if not complete:
            unread.append("dead letters")
    except CacheUnavailable:
        unread.append("redis")
    try:
        row = store.look(product_id)
    except StoreUnavailable:
        return now, [*unread, "postgres"]
    deleted = row is not None and not isinstance(row, StoredProduct)
    return msgspec.structs.replace(now, row_version=row.version if row else None, row_deleted=deleted), unread


def _in_redis(client: "Redis", product_id: str) -> tuple[Now, bool]:
    """What Redis holds of the product, and whether all dead letters were searched."""
    with client.pipeline(transaction=True) as ask:
        ask.hget(keys.PENDING, product_id)
        ask.get(keys.cache(product_id))
        ask.zscore(keys.INFLIGHT, product_id)
        ask.zscore(keys.RETRY, product_id)
        ask.zrangebylex(keys.BACKLOG, f"[{product_id}:", f"({product_id};", 0, _BACKLOG)
        ask.llen(keys.DLQ)
        ask.lrange(keys.DLQ, -_LETTERS, -1)
        entry, cached, claimed, retry, backlog, letters, newest = ask.execute()
    pending = version_of(to_document(entry)) if entry else None
    dead = _versions_in(newest, product_id)
    now = Now(
        queued=bool(entry) and _is_queued(entry, claimed, retry, bool(backlog)),
        inflight=claimed is not None,
        retrying=retry is not None,
        dead_lettered=bool(dead),
        pending_version=pending,
        backlog_versions=[_version_in_backlog(member, product_id) for member in backlog],
        dead_letter_versions=dead,
        cached_version=version_of(cached) if cached else None,
    )
    return now, letters <= _LETTERS


def _is_queued(entry: bytes, claimed: float | None, retry: float | None, has_backlog: bool) -> bool:
    """Whether a pending entry waits for a claim of its own: nothing of its product is claimed or waits for a
    retry, or what is claimed is an older entry."""
    if claimed is not None:
        return has_backlog or queued_at_of(entry) > claimed
    return retry is None


def _versions_in(letters: Iterable[bytes], product_id: str) -> list[int]:
    """The versions of a product that dead letters hold. Among them there may be junk."""
    versions: list[int] = []
    for letter in letters:
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            content = _letters.decode(letter)
            versions += [content.version] if content.id == product_id else []
    return versions


def _version_in_backlog(member: bytes, product_id: str) -> int:
    """The version in a member of the backlog, `<id>:<16 digits>:<entry>`."""
    digits = member[len(product_id.encode()) + 1 :][:16]
    return int(digits) if digits.isdigit() else 0
