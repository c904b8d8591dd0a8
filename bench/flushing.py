"""How fast the worker flushes a backlog, against bare psycopg batches of the same rows."""

import time
from collections.abc import Iterator
from statistics import median

import psycopg
import redis

from bench.figures import Figure, ratio_of
from scenarios.lab.context import Run
from service.writebehind import keys
from stack.lab import Lab
from stack.wait import wait_until

_ROWS = 100_000
_BATCH = 500
_PAIRS = 5
_BARE = """
    INSERT INTO products AS held (id, name, price, quantity, created_at, updated_at, version)
    SELECT id, name, price, quantity, created_at, updated_at, version
    FROM jsonb_to_recordset(%s::jsonb) AS entry (
        id varchar(36), name varchar(255), price numeric(10, 2), quantity integer,
        created_at timestamptz, updated_at timestamptz, version bigint)
    ON CONFLICT (id) DO UPDATE
        SET name = excluded.name, price = excluded.price, quantity = excluded.quantity,
            updated_at = excluded.updated_at, version = excluded.version
        WHERE held.version < excluded.version"""


def flush_rate(lab: Lab) -> Iterator[Figure]:
    """Rows per second that one worker process moves from Redis to PostgreSQL."""
    ours, bare = [], []
    with Run(lab) as run, psycopg.connect(lab.urls()["postgres"], autocommit=True) as connection:
        client = redis.Redis.from_url(lab.urls()["redis"])
        for n in range(_PAIRS):
            entries = backlog(str(n))
            bare.append(_bare(connection, [entry.replace('"id":"', '"id":"bare-') for entry in entries]))
            ours.append(worker_rate(lab, run, client, entries))
            clear(connection)
        client.close()
    yield ratio_of("rows flushed by one worker ÷ bare psycopg", ours, bare, "≥", 0.6, unit="rows/s")


def backlog(prefix: str) -> list[str]:
    """Pending entries, whose ids begin with this prefix."""
    return [_entry(f"{prefix}-{k:08d}") for k in range(_ROWS)]


def clear(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Remove the rows that a measurement left in PostgreSQL."""
    connection.execute("DELETE FROM products WHERE id NOT LIKE 'seed-%'")
    connection.execute("VACUUM products")


def _entry(product: str) -> str:
    now = time.time_ns() // 1000
    moment = "2026-01-01T00:00:00.000000Z"
    return (
        f'{{"id":"{product}","name":"Demo Widget","price":29.99,"quantity":100,"created_at":"{moment}",'
        f'"updated_at":"{moment}","version":{now},"queued_at":{now},"attempts":0,"writes":1}}'
    )


def _bare(connection: "psycopg.Connection[tuple[object, ...]]", entries: list[str]) -> float:
    start = time.perf_counter()
    for first in range(0, len(entries), _BATCH):
        connection.execute(_BARE, [f"[{','.join(entries[first : first + _BATCH])}]"])
    return len(entries) / (time.perf_counter() - start)


def worker_rate(lab: Lab, run: Run, client: "redis.Redis", entries: list[str]) -> float:
    """Rows per second, from the first acknowledged rows to the last."""
    list(lab.stop("worker"))
    client.flushall()
    ids = [entry[7 : entry.index('"', 7)] for entry in entries]
    for first in range(0, len(ids), 5000):
        pipe = client.pipeline(transaction=False)
        chunk = slice(first, first + 5000)
        pipe.hset(keys.PENDING, mapping=dict(zip(ids[chunk], entries[chunk], strict=True)))
        pipe.rpush(keys.QUEUE, *ids[chunk])
        pipe.execute()
    starting = lab.start("worker")
    begun, persisted = time.perf_counter(), 0
    for _ in starting:
        persisted = run.probe.totals().get("persisted", 0)
    seen: list[tuple[float, int]] = []

    def done() -> bool:
        seen.append((time.perf_counter(), run.probe.totals().get("persisted", 0)))
        return seen[-1][1] >= len(entries)

    wait_until(done, seconds=60, reason="the backlog is flushed", hint="labctl logs worker", poll=0.02)
    begun, persisted = next((sample for sample in seen if sample[1]), (begun, persisted))
    if persisted >= len(entries) // 2:
        raise RuntimeError("the worker was done before it could be watched: give it more rows")
    return (len(entries) - persisted) / (seen[-1][0] - begun)


def idle_latency(lab: Lab) -> Iterator[Figure]:
    """One write on an idle lab, from its acknowledgement until it is in PostgreSQL."""
    with Run(lab) as run:
        for what, change, rule in (
            ("window", {"write_coalescing_enabled": True}, "coalescing_window_ms"),
            ("interval", {"write_coalescing_enabled": False}, "flush_interval_ms"),
        ):
            config = run.client.change_config(change)
            waits = [_persist_one(run) for _ in range(5)]
            limit = config[rule] + 250
            detail = f"median {median(waits):.0f} ms of 5; the {what} is {config[rule]} ms"
            yield Figure(
                f"idle write: acknowledged → in Postgres ({what})", max(waits), "ms", "≤", limit, detail
            )
        run.client.change_config({"write_coalescing_enabled": True})


def _persist_one(run: Run) -> float:
    for _ in run.probe.settle(10):
        pass
    write = run.client.create({"name": "alone", "price": 1.0, "quantity": 1})
    start = time.perf_counter()
    if write.product is None:
        raise RuntimeError(f"the write was {write.answer}: {write.detail}")
    product = write.product
    wait_until(
        lambda: bool(run.probe.rows([product])),
        seconds=10,
        reason="the row is there",
        hint="labctl logs worker",
        poll=0.005,
    )
    return 1000 * (time.perf_counter() - start)
