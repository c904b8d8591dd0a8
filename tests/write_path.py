"""The write path in one process, on real servers: what tests of the promise drive."""

import json
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import redis
from psycopg.rows import dict_row

from service.lasting import Conditions
from service.telemetry.tracing import Tracing
from service.writebehind import keys
from service.writebehind.buffer import Buffer
from service.writebehind.dead_letters import DeadLetters
from service.writebehind.entry import Product
from service.writebehind.overview import Overview, QueueState
from service.writebehind.reads import Reads
from service.writebehind.scripts.runner import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store
from service.writebehind.writes import Writes
from tests.servers import Servers
from worker.condition import Condition
from worker.flush import Flusher
from worker.stopping import StopRequest
from worker.traces import FlushTraces

#: Opens a write path with these settings; it is closed when the test ends.
OpenPath = Callable[..., "WritePath"]
WIDGET = Product("Widget", 29.99, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a write path. Tests may replace each of them."""

    scripts: Callable[[str], Scripts] = Scripts
    store: Callable[[str], Store] = Store
    buffer: Callable[[Scripts], Buffer] = Buffer
    writes: type[Writes] = Writes
    flusher: type[Flusher] = Flusher


@dataclass(frozen=True, slots=True)
class WritePath:
    """Service and worker without their processes. Tests flush by hand."""

    servers: Servers
    settings: Settings
    redis: "redis.Redis"
    buffer: Buffer
    store: Store
    reads: Reads
    writes: Writes
    dead_letters: DeadLetters
    overview: Overview
    flusher: Flusher
    stop: StopRequest
    condition: Condition
    conditions: Conditions
    scripts: Scripts
    #: One element per flush that the service signalled.
    signals: list[None]

    @classmethod
    def on(cls, servers: Servers, parts: Parts | None = None, **settings: object) -> "WritePath":
        """By default without a window, so that everything is due at once."""
        parts = parts or Parts()
        own = servers.settings(**({"coalescing_window_ms": 0, "flush_interval_ms": 0} | settings))
        scripts, store = parts.scripts(own.redis_url), parts.store(own.database_url)
        buffer = parts.buffer(scripts)
        signals: list[None] = []

        def signal() -> None:
            signals.append(None)

        stop, condition = StopRequest(), Condition()
        conditions = Conditions(logging.getLogger("worker"))
        return cls(
            servers=servers,
            settings=own,
            redis=scripts.client,
            buffer=buffer,
            store=store,
            reads=Reads(scripts, store, own),
            writes=parts.writes(scripts, store, own, signal_flush=signal),
            dead_letters=DeadLetters(scripts, store),
            overview=Overview(scripts, own),
            flusher=parts.flusher(
                buffer,
                store,
                own,
                stop,
                signal_flush=signal,
                chance=random.Random(1),
                condition=condition,
                conditions=conditions,
                traces=FlushTraces(Tracing(own), "test"),
            ),
            condition=condition,
            conditions=conditions,
            stop=stop,
            scripts=scripts,
            signals=signals,
        )

    def close(self) -> None:
        self.flusher.close()
        self.store.close()
        self.scripts.close()
        self.stop.close()

    def create(self, product: Product = WIDGET, **options: Any) -> dict[str, Any]:
        return dict(json.loads(self.writes.create(product, **options).body))

    def update(self, product_id: str, product: Product = WIDGET, **options: Any) -> dict[str, Any]:
        return dict(json.loads(self.writes.update(product_id, product, **options).body))

    def delete(self, product_id: str, **options: Any) -> dict[str, Any]:
        return dict(json.loads(self.writes.delete(product_id, **options).body))

    def read(self, product_id: str) -> dict[str, Any]:
        return dict(json.loads(self.reads.get(product_id)))

    def queue(self) -> QueueState:
        return self.overview.queue()

    def row(self, product_id: str) -> dict[str, Any] | None:
        """The row, straight from PostgreSQL."""
        with psycopg.connect(self.settings.database_url, row_factory=dict_row) as connection:
            return connection.execute("SELECT * FROM products WHERE id = %s", [product_id]).fetchone()

    def sql(self, statement: str, *params: object) -> None:
        with psycopg.connect(self.settings.database_url) as connection:
            connection.execute(statement.encode(), params)

    def evict(self, product_id: str) -> None:
        """Drop a cache entry, as Redis does when it needs room or when the TTL ends."""
        self.redis.delete(keys.cache(product_id))

    def assert_balanced(self) -> None:
        """Every accepted write is accounted for, once."""
        state = self.queue()
        pending = int(self.redis.hlen(keys.PENDING)) + state.backlog
        totals = state.totals
        assert totals["accepted"] == (
            totals["coalesced"] + totals["persisted"] + totals["dead_lettered"] + pending
        ), (state, pending)


def as_bytes(value: object) -> bytes:
    """A value of Redis that must exist."""
    assert isinstance(value, bytes)
    return value
