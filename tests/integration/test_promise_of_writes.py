"""The promise about writes: one step, versions, coalescing. On real Redis and PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.writebehind import keys
from service.writebehind.entry import Product
from tests.write_path import OpenPath, WritePath, as_bytes

# 1. One atomic step


def test_a_write_is_cached_pending_and_queued_in_one_step(path: WritePath) -> None:
    product = path.create()
    state = path.queue()
    assert product["source"] == "cache"
    assert path.read(product["id"])["version"] == product["version"]
    assert [item.id for item in state.items] == [product["id"]]
    assert path.redis.hexists(keys.PENDING, product["id"])


def test_one_round_trip_on_the_hot_path(path: WritePath) -> None:
    path.create()
    path.redis.config_resetstat()
    for _ in range(10):
        path.create()
    calls = {name: stat["calls"] for name, stat in path.redis.info("commandstats").items()}
    assert calls["cmdstat_evalsha"] == 10
    # Every other command ran inside the script; nothing else was sent.
    assert "cmdstat_eval" not in calls
    assert path.redis.info("stats")["total_commands_processed"] > 0


def test_only_the_first_write_signals_a_flush_until_one_runs(path: WritePath) -> None:
    for _ in range(5):
        path.create()
    assert len(path.signals) == 1
    path.flusher.run()
    path.create()
    assert len(path.signals) == 2


# 2. Versions


def test_versions_rise_per_product_and_are_microseconds_of_redis_time(path: WritePath) -> None:
    product = path.create()
    versions = [path.update(product["id"])["version"] for _ in range(50)]
    assert versions == sorted(set(versions))
    seconds, micros = path.redis.time()
    assert abs(versions[-1] - (seconds * 1_000_000 + micros)) < 5_000_000


def test_versions_keep_rising_after_flushall_even_if_time_went_back(path: WritePath) -> None:
    future = 2_000_000_000_000_000
    path.sql("UPDATE products SET version = %s WHERE id = 'seed-001'", future)
    path.redis.flushall()
    assert path.update("seed-001")["version"] == future + 1
    path.flusher.run()
    row = path.row("seed-001")
    assert row is not None
    assert row["version"] == future + 1


@pytest.mark.parametrize("policy", ["write_behind", "write_through"])
def test_a_replayed_write_never_makes_a_row_older(path: WritePath, policy: str) -> None:
    product = path.create()
    claim = path.buffer.claim(path.settings)
    newer = path.update(product["id"], Product("Newer", 1.0, 1), policy=policy)
    path.flusher.run()
    # The first worker wakes up late and writes what it had claimed.
    assert path.store.write([row.entry for row in claim.rows]) in (0, 1)
    path.buffer.ack(claim, claim.rows, rows_written=0)
    path.flusher.run()
    row = path.row(product["id"])
    assert row is not None
    assert (row["version"], row["name"]) == (newer["version"], "Newer")


def test_a_late_write_does_not_bring_a_deleted_product_back(path: WritePath) -> None:
    product = path.create()
    claim = path.buffer.claim(path.settings)
    path.buffer.release(claim, claim.rows)
    path.delete(product["id"])
    path.flusher.run()
    assert path.store.write([row.entry for row in claim.rows]) == 0
    assert path.row(product["id"]) is None


def test_concurrent_batches_with_deletes_neither_deadlock_nor_resurrect(path: WritePath) -> None:
    ids = [path.create()["id"] for _ in range(40)]
    claim = path.buffer.claim(path.settings)
    old = [row.entry for row in claim.rows]
    for product_id in ids:
        path.delete(product_id)
    deletes = [as_bytes(path.redis.hget(keys.PENDING, product_id)) for product_id in ids]
    batches = [old, deletes, list(reversed(old)), list(reversed(deletes))] * 5
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(path.store.write, batches))
    assert [path.row(product_id) for product_id in ids] == [None] * 40


# 3. Coalescing


def test_coalescing_keeps_the_last_write(path: WritePath) -> None:
    for n in range(20):
        path.update("seed-001", Product(f"Update {n}", 1.0, n))
    path.flusher.run()
    totals = path.queue().totals
    row = path.row("seed-001")
    assert row is not None
    assert row["name"] == "Update 19"
    assert (totals["accepted"], totals["coalesced"], totals["rows_written"]) == (20, 19, 1)
    path.assert_balanced()


def test_the_window_is_bounded_from_the_first_write(open_path: OpenPath) -> None:
    path = open_path(coalescing_window_ms=200)
    path.update("seed-001")
    first = path.buffer.claim(path.settings)
    assert first.rows == ()
    deadline = time.monotonic() + 5
    while not (claim := path.buffer.claim(path.settings)).rows:
        # A sliding window would never end.
        path.update("seed-001")
        assert time.monotonic() < deadline, "a product that is updated without end is never due"
    assert claim.rows[0].id == "seed-001"


def test_without_coalescing_every_write_reaches_postgres_in_order(open_path: OpenPath) -> None:
    path = open_path(write_coalescing_enabled=False)
    for n in range(10):
        path.update("seed-001", Product(f"Update {n}", 1.0, n))
    assert path.queue().queue_size == 1
    path.flusher.run()
    totals = path.queue().totals
    row = path.row("seed-001")
    assert row is not None
    assert row["name"] == "Update 9"
    assert (totals["coalesced"], totals["rows_written"]) == (0, 10)
    path.assert_balanced()


def test_a_write_during_the_flush_of_the_same_product_is_flushed_next(path: WritePath) -> None:
    path.update("seed-001", Product("In hand", 1.0, 1))
    claim = path.buffer.claim(path.settings)
    newer = path.update("seed-001", Product("Behind it", 2.0, 2))
    path.buffer.ack(claim, claim.rows, rows_written=path.store.write([r.entry for r in claim.rows]))
    assert path.queue().queue_size == 1
    path.flusher.run()
    row = path.row("seed-001")
    assert row is not None
    assert row["version"] == newer["version"]
    assert path.queue().totals["coalesced"] == 0
    path.assert_balanced()
