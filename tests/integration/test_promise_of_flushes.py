"""The promise about flushes: claims, outages, dead letters. On real Redis and PostgreSQL."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from service.writebehind import keys
from service.writebehind.entry import DeadLetter, Product
from service.writebehind.errors import NoSuchProduct, StoreUnavailable
from service.writebehind.store import Store
from stack.wait import wait_until
from tests.servers import Servers
from tests.write_path import OpenPath, WritePath, as_bytes

# 4. Claim, upsert, ack


def test_a_killed_workers_claims_come_back_when_the_lease_ends(open_path: OpenPath) -> None:
    path = open_path(lease_ms=100)
    products = [path.create() for _ in range(3)]
    assert len(path.buffer.claim(path.settings).rows) == 3
    assert path.queue().inflight == 3
    deadline = time.monotonic() + 5
    while path.queue().totals["persisted"] < 3:
        path.flusher.run()
        assert time.monotonic() < deadline
    assert all(path.row(product["id"]) for product in products)
    path.assert_balanced()


def test_an_outlived_claim_does_not_disturb_its_successor(open_path: OpenPath) -> None:
    path = open_path(lease_ms=100)
    path.update("seed-001")
    late = path.buffer.claim(path.settings)
    deadline = time.monotonic() + 5
    while not (claim := path.buffer.claim(path.settings)).rows:
        assert time.monotonic() < deadline
    path.buffer.release(late, late.rows)
    path.buffer.retry(late, [(late.rows[0], 1, 0.0)])
    assert (path.queue().inflight, path.queue().queue_size, path.queue().retrying) == (1, 0, 0)
    path.buffer.ack(late, late.rows, rows_written=1)
    path.buffer.ack(claim, claim.rows, rows_written=0)
    assert (path.queue().inflight, path.queue().totals["persisted"]) == (0, 1)
    path.assert_balanced()


def test_several_flushers_at_once_lose_and_repeat_nothing(open_path: OpenPath) -> None:
    path = open_path(batch_size=7)
    products = [path.create() for _ in range(300)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: open_path(batch_size=7).flusher.run(), range(4)))
    totals = path.queue().totals
    assert (totals["persisted"], totals["rows_written"]) == (300, 300)
    assert all(path.row(product["id"]) for product in products)
    path.assert_balanced()


def test_a_stop_finishes_the_batch_in_hand_and_gives_the_rest_back(open_path: OpenPath) -> None:
    path = open_path(batch_size=10)
    for _ in range(100):
        path.create()
    claim_and_stop = path.buffer.claim

    def claim_then_stop(settings):  # type: ignore[no-untyped-def]
        path.stop.request()
        return claim_and_stop(settings)

    path.buffer.claim = claim_then_stop  # type: ignore[method-assign]
    path.flusher.run()
    state = path.queue()
    assert (state.totals["persisted"], state.inflight, state.queue_size) == (10, 0, 90)


# 5. An outage is not a bad row


def test_only_a_refused_row_is_dead_lettered(path: WritePath) -> None:
    products = [path.create() for _ in range(8)]
    bad = products[3]["id"]
    entry = as_bytes(path.redis.hget(keys.PENDING, bad))
    path.redis.hset(keys.PENDING, bad, entry.replace(b'"price":29.99', b'"price":1e12').decode())
    path.flusher.run()
    assert [path.row(p["id"]) is not None for p in products] == [p["id"] != bad for p in products]
    (letter,) = path.dead_letters.oldest(10)
    assert letter["id"] == bad
    assert "numeric field overflow" in letter["error"]
    with pytest.raises(NoSuchProduct):
        path.read(bad)
    path.assert_balanced()


def test_a_dead_letter_leaves_a_newer_cache_entry_alone(path: WritePath) -> None:
    product = path.create()
    claim = path.buffer.claim(path.settings)
    newer = path.update(product["id"])
    row = claim.rows[0]
    path.buffer.dead_letter(claim, [DeadLetter.of(row.id, row.version, row.entry, error="x", attempts=1)])
    assert path.read(product["id"])["version"] == newer["version"]
    assert path.queue().dlq_size == 0, "something newer is pending: the old write is superseded, not dead"
    path.flusher.run()
    path.assert_balanced()


def test_retries_back_off_and_end_in_the_dead_letter_queue(open_path: OpenPath) -> None:
    path = open_path(simulate_db_failure=True, failure_rate=1, max_retries=2, retry_delay_ms=1)
    product = path.create()
    path.flusher.run()
    (letter,) = path.dead_letters.oldest(10)
    assert (letter["id"], letter["attempts"]) == (product["id"], 3)
    assert path.queue().totals["retried"] == 2
    path.assert_balanced()


def test_dead_letters_can_be_put_back(open_path: OpenPath) -> None:
    path = open_path(simulate_db_failure=True, failure_rate=1, max_retries=0)
    product = path.create()
    path.flusher.run()
    assert path.dead_letters.requeue() == (1, 0, True)
    assert path.read(product["id"])["source"] == "pending"
    open_path().flusher.run()
    row = path.row(product["id"])
    assert row is not None
    assert row["version"] == product["version"]
    path.assert_balanced()


def test_a_requeued_letter_never_replaces_something_newer(open_path: OpenPath) -> None:
    failing = open_path(simulate_db_failure=True, failure_rate=1, max_retries=0)
    failing.update("seed-001", Product("Old", 1.0, 1))
    failing.update("seed-002", Product("Old", 1.0, 1))
    failing.update("seed-003", Product("Old", 1.0, 1))
    failing.flusher.run()
    path = open_path()
    path.update("seed-001", Product("New", 2.0, 2))
    path.flusher.run()
    path.evict("seed-001")
    path.update("seed-002", Product("New", 2.0, 2))
    path.delete("seed-003")
    path.flusher.run()
    path.evict("seed-003")
    assert path.dead_letters.requeue() == (0, 3, False)
    path.flusher.run()
    for product_id in ("seed-001", "seed-002"):
        row = path.row(product_id)
        assert row is not None
        assert row["name"] == path.read(product_id)["name"] == "New"
    assert path.row("seed-003") is None
    path.assert_balanced()


def test_an_outage_pauses_and_keeps_everything(servers: Servers, open_path: OpenPath) -> None:
    path = open_path()
    products = [path.create() for _ in range(20)]
    servers.runtime.signal("postgres", "kill")
    flushing = threading.Thread(target=path.flusher.run)
    flushing.start()
    deadline = time.monotonic() + 10
    while path.queue().totals["batches"] == 0 and path.queue().inflight == 0 and path.flusher.busy:
        if time.monotonic() > deadline or path.queue().queue_size == 20:
            break
    with pytest.raises(StoreUnavailable):
        open_path().store.ping()
    servers.runtime.start(servers.specs["postgres"])
    servers.wait_for("postgres")
    flushing.join(timeout=20)
    assert not flushing.is_alive()
    assert all(path.row(product["id"]) for product in products)
    assert (path.queue().dlq_size, path.queue().totals["retried"]) == (0, 0)
    path.assert_balanced()


# What people do to keys by hand


@pytest.mark.parametrize("key", [keys.QUEUE, keys.INFLIGHT])
def test_pending_entries_that_are_queued_nowhere_are_found_again(path: WritePath, key: str) -> None:
    products = [path.create() for _ in range(3)]
    if key == keys.INFLIGHT:
        path.buffer.claim(path.settings)
    path.redis.delete(key)
    assert not path.buffer.has_work(path.settings)
    assert path.buffer.restore() == 3
    assert path.buffer.restore() == 0
    path.flusher.run()
    assert all(path.row(product["id"]) for product in products)


def test_an_unknown_live_setting_stops_nothing(path: WritePath) -> None:
    product = path.create()
    path.redis.hset(keys.CONFIG, mapping={"other_version": "1", "batch_size": "junk", "max_retries": "7"})
    path.flusher.run()
    assert path.row(product["id"])
    assert path.overview.settings()["max_retries"] == 7


def test_a_frozen_database_leaves_threads_for_the_rest(open_path: OpenPath) -> None:
    path = open_path()
    store = Store(path.settings.database_url, slots=1)
    try:
        with psycopg.connect(path.settings.database_url) as blocker, ThreadPoolExecutor(1) as pool:
            blocker.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
            stuck = pool.submit(store.get, "seed-001")
            wait_until(
                lambda: store.connections.slots is not None and store.connections.slots._value == 0,
                seconds=20,
                reason="one thread waits for PostgreSQL",
                hint="the lock is there",
            )
            with pytest.raises(StoreUnavailable, match="too many"):
                store.get("seed-001")
            blocker.rollback()
            assert stuck.result(timeout=5) is not None
    finally:
        store.close()
