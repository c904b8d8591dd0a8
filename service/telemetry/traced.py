"""Redis and PostgreSQL as parts of a trace: a span for each call that belongs to something that is traced.

These are spans of our own: OpenTelemetry's instrumentation of redis-py and psycopg patches the clients'
methods, which the write path goes around, and would name neither the script nor the table.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from service.flush_signal import FlushSignal
from service.telemetry.tracing import recording, within
from service.writebehind import keys as names
from service.writebehind.scripts.runner import Scripts
from service.writebehind.scripts.script import Script
from service.writebehind.store import Store, StoredProduct, Tombstone

T = TypeVar("T")

_POSTGRES: Final = {"db.system.name": "postgresql", "db.namespace": "labdb"}
_TABLE: Final = "products"


class TracedScripts(Scripts):
    """`Scripts` with a span for each call."""

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        parent = recording()
        if parent is None:
            return super().run(script, keys, args)
        attributes = {
            "db.system.name": "redis",
            "db.operation.name": "EVALSHA",
            "db.stored_procedure.name": script,
        }
        with within(parent.child(f"EVALSHA {script}", "client", attributes)):
            return super().run(script, keys, args)


class TracedStore(Store):
    """`Store` with a span for each statement."""

    def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
        return _spanned(
            "upsert",
            lambda: super(TracedStore, self).write(entries, lock_ms=lock_ms),
            {"db.operation.batch.size": len(entries), "db.stored_procedure.name": self.write_function},
        )

    def rehearse(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> None:
        return _spanned(
            "rehearse",
            lambda: super(TracedStore, self).rehearse(entries, lock_ms=lock_ms),
            {"db.operation.batch.size": len(entries), "db.stored_procedure.name": self.rehearse_function},
        )

    def get(self, product_id: str) -> StoredProduct | None:
        return _spanned("select", lambda: super(TracedStore, self).get(product_id))

    def look(self, product_id: str) -> StoredProduct | Tombstone | None:
        return _spanned("select", lambda: super(TracedStore, self).look(product_id))

    def newest(self, limit: int) -> list[StoredProduct]:
        return _spanned("select", lambda: super(TracedStore, self).newest(limit))

    def versions(self, product_ids: Sequence[str]) -> dict[str, int]:
        return _spanned("select", lambda: super(TracedStore, self).versions(product_ids))


class TracedFlushSignal(FlushSignal):
    """`FlushSignal` with a span for each job that is enqueued."""

    def __call__(self) -> None:
        parent = recording()
        if parent is None:
            super().__call__()
            return
        attributes = {
            "messaging.system": "rq",
            "messaging.operation.type": "send",
            "messaging.operation.name": "enqueue",
            "messaging.destination.name": names.RQ_QUEUE,
        }
        with within(parent.child(f"enqueue {names.RQ_QUEUE}", "producer", attributes)):
            super().__call__()


def _spanned(operation: str, call: Callable[[], T], attributes: Mapping[str, Any] | None = None) -> T:
    parent = recording()
    if parent is None:
        return call()
    described = {
        **_POSTGRES,
        "db.operation.name": operation,
        "db.collection.name": _TABLE,
        **(attributes or {}),
    }
    with within(parent.child(f"{operation} {_TABLE}", "client", described)):
        return call()
