"""Writes: the promise of the write path, under either policy."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from service.writebehind.entry import (
    Product,
    checked_trace,
    product_head,
    timestamp,
    tombstone_head,
    version_of,
    with_source,
)
from service.writebehind.errors import NoSuchProduct, QueueFull
from service.writebehind.scripts.runner import Scripts
from service.writebehind.scripts.writing import (
    NOT_LOOKED,
    Absent,
    Accepted,
    KnownRow,
    NotQueued,
    Operation,
    Superseded,
    WriteReply,
    write,
)
from service.writebehind.settings import Settings
from service.writebehind.store import Store
from service.writebehind.write_through import WriteThrough, look_up


@dataclass(frozen=True, slots=True)
class Written:
    """An acknowledged write."""

    id: str
    #: The document with its `source`: `cache` under write-behind, `database` under write-through.
    body: bytes
    version: int
    #: Whether it waits in Redis for a flush; otherwise it is committed to PostgreSQL.
    queued: bool
    #: Whether it replaced a write that no worker had claimed.
    coalesced: bool = False
    #: The write that this one replaced before any flush. It is looked up only for a traced write.
    superseded: Superseded | None = None


class Writes:
    """Creates, updates and deletes products. A write that returns is acknowledged; one that raises is not.

    Every method takes `policy`, the write policy that the request asked for, and `traceparent`, the W3C trace
    context that goes with the entry to the worker ('' for none); and raises:

        CacheUnavailable, StoreUnavailable, QueueFull: the write was not taken.
        RowsRefused: the write was not taken, and never will be.
        OutcomeUnknown: it is unknown whether the write was taken.
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
        self._store = store
        self._settings = settings
        self._through = WriteThrough(scripts, store, ttl=settings.cache_ttl_seconds)
        self._signal_flush = signal_flush

    def create(self, product: Product, *, policy: str = "", traceparent: str = "") -> Written:
        """Create a product under a new id."""
        product_id = str(uuid.uuid4())
        return self._write("create", product_id, product_head(product_id, product), policy, traceparent)

    def update(
        self, product_id: str, product: Product, *, policy: str = "", traceparent: str = ""
    ) -> Written:
        """Replace a product. Raises NoSuchProduct if there is none."""
        return self._write("update", product_id, product_head(product_id, product), policy, traceparent)

    def delete(self, product_id: str, *, policy: str = "", traceparent: str = "") -> Written:
        """Delete a product. Raises NoSuchProduct if there is none."""
        return self._write("delete", product_id, tombstone_head(product_id), policy, traceparent)

    def _write(
        self, operation: Operation, product_id: str, head: bytes, policy: str, traceparent: str
    ) -> Written:
        now, known = timestamp(), NOT_LOOKED
        traceparent = checked_trace(traceparent)
        reply: WriteReply = NotQueued.WRITE_THROUGH
        if policy != "write_through":
            reply = self._attempt(operation, product_id, head, now, known, policy, traceparent)
            if reply is Absent.MISSING:
                known = look_up(self._store, product_id)
                reply = self._attempt(operation, product_id, head, now, known, policy, traceparent)
        match reply:
            case Accepted():
                if reply.signal:
                    self._signal_flush()
                document = reply.document
                return Written(
                    product_id,
                    with_source(document, "cache"),
                    version_of(document),
                    queued=True,
                    coalesced=reply.coalesced,
                    superseded=reply.superseded,
                )
            case NotQueued.WRITE_THROUGH:
                document = self._through.write(operation, product_id, head, now=now, known=known)
                return Written(
                    product_id, with_source(document, "database"), version_of(document), queued=False
                )
            case NotQueued.FULL:
                raise QueueFull("the queue is full: PostgreSQL does not keep up")
            case Absent():
                raise NoSuchProduct(product_id)
            case _:
                assert_never(reply)

    def _attempt(
        self,
        operation: Operation,
        product_id: str,
        head: bytes,
        now: str,
        known: KnownRow,
        policy: str,
        traceparent: str,
    ) -> WriteReply:
        return write(
            self._scripts,
            operation,
            product_id,
            head,
            now=now,
            known=known,
            policy=policy,
            settings=self._settings,
            traceparent=traceparent,
        )
