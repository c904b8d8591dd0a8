"""The nine points of the write path's promise, on real Redis and PostgreSQL."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.writebehind import keys
from service.writebehind.entry import DeadLetter, Product
from service.writebehind.errors import CacheUnavailable, NoSuchProduct, QueueFull, StoreUnavailable
from service.writebehind.reads import Reads
from service.writebehind.store import Store, StoredProduct
from tests.servers import Servers
from tests.write_path import WIDGET, OpenPath, WritePath


@pytest.fixture
def path(open_path: OpenPath) -> WritePath:
    return open_path()


def as_bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


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
    # Every other command ran inside the script: nothing was sent beside it.
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
        # Sliding, the window would never end.
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


def test_a_refused_row_alone_is_dead_lettered(path: WritePath) -> None:
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


# 7. Read your writes


def test_a_read_finds_a_pending_write_whose_cache_entry_is_gone(path: WritePath) -> None:
    product = path.create()
    path.evict(product["id"])
    assert path.read(product["id"])["source"] == "pending"
    assert path.update(product["id"], Product("Again", 1.0, 1))["created_at"] == product["created_at"]


class _Interrupted(Store):
    """A store between whose look at the row and its answer something else happens."""

    def __init__(self, url: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(url)
        self._meanwhile = meanwhile

    def get(self, product_id: str) -> StoredProduct | None:
        row = super().get(product_id)
        self._meanwhile()
        return row


def read_while(path: WritePath, meanwhile: Callable[[], object]) -> None:
    """Read seed-001 from PostgreSQL; before the answer can be cached, `meanwhile` happens."""
    store = _Interrupted(path.settings.database_url, meanwhile)
    try:
        Reads(path.scripts, store, path.settings).get("seed-001")
    finally:
        store.close()


def test_filling_the_cache_never_replaces_something_newer(path: WritePath) -> None:
    def persist_something_newer() -> None:
        path.update("seed-001", Product("Newer", 1.0, 1))
        path.flusher.run()
        path.evict("seed-001")

    read_while(path, persist_something_newer)
    assert path.read("seed-001")["name"] == "Newer"


def test_filling_the_cache_never_brings_a_deleted_product_back(path: WritePath) -> None:
    read_while(path, lambda: path.delete("seed-001"))
    path.flusher.run()
    with pytest.raises(NoSuchProduct):
        path.read("seed-001")


def test_filling_the_cache_waits_for_a_write_to_postgres(path: WritePath) -> None:
    read_while(path, lambda: path.update("seed-001", Product("Through", 1.0, 1), policy="write_through"))
    assert path.read("seed-001")["name"] == "Through"


def test_deleted_means_deleted_before_and_after_the_flush(path: WritePath) -> None:
    path.delete("seed-001")
    for _ in range(2):
        with pytest.raises(NoSuchProduct):
            path.read("seed-001")
        with pytest.raises(NoSuchProduct):
            path.update("seed-001")
        with pytest.raises(NoSuchProduct):
            path.delete("seed-001")
        path.evict("seed-001")
        path.flusher.run()
    assert path.row("seed-001") is None


def test_the_list_shows_pending_writes_and_hides_pending_deletes(path: WritePath) -> None:
    product = path.create()
    path.update("seed-001", Product("Pending", 1.0, 1))
    path.delete("seed-002")
    found = {p["id"]: p for p in map(json.loads, path.reads.newest(100))}
    assert found[product["id"]]["source"] == found["seed-001"]["source"] == "pending"
    assert found["seed-001"]["name"] == "Pending"
    assert "seed-002" not in found
    assert found["seed-003"]["source"] == "database"


# 8. Bounded


def test_a_full_queue_rejects_but_still_coalesces(open_path: OpenPath) -> None:
    path = open_path(max_pending=3)
    first = path.create()
    path.create()
    path.create()
    with pytest.raises(QueueFull):
        path.create()
    path.update(first["id"])
    assert path.queue().queue_size == 3


def test_a_full_queue_may_write_through_instead(open_path: OpenPath) -> None:
    path = open_path(max_pending=1, overflow_policy="write_through")
    path.create()
    over = path.create()
    assert over["source"] == "database"
    assert path.row(over["id"]) is not None
    assert path.queue().queue_size == 1


def test_out_of_memory_is_refused_and_the_queue_still_drains(path: WritePath) -> None:
    products = [path.create() for _ in range(50)]
    path.redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(CacheUnavailable, match="refused"):
            path.create()
        path.flusher.run()
        assert path.queue().queue_size == 0
        assert all(path.row(product["id"]) for product in products)
    finally:
        path.redis.config_set("maxmemory", "512mb")


def test_redis_down_is_refused(servers: Servers, open_path: OpenPath) -> None:
    path = open_path()
    path.create()
    servers.runtime.signal("redis", "kill")
    time_limit = time.monotonic() + 5
    while servers.runtime.observe()["redis"].state == "running":
        assert time.monotonic() < time_limit
    path = open_path()
    with pytest.raises(CacheUnavailable):
        path.create()


# Write-through


def test_write_through_commits_first_and_then_caches(path: WritePath) -> None:
    product = path.create(policy="write_through")
    row = path.row(product["id"])
    assert row is not None
    assert product["source"] == "database"
    assert path.read(product["id"])["source"] == "cache"
    assert path.queue().queue_size == 0


def test_a_failed_commit_is_never_seen(open_path: OpenPath) -> None:
    path = open_path()
    before = path.read("seed-001")
    path.sql("ALTER TABLE products RENAME TO away")
    try:
        with pytest.raises(StoreUnavailable):
            path.update("seed-001", WIDGET, policy="write_through")
    finally:
        path.sql("ALTER TABLE away RENAME TO products")
    assert path.read("seed-001")["name"] == before["name"]


def test_write_through_over_a_pending_write_wins_everywhere(path: WritePath) -> None:
    path.update("seed-001", Product("Behind", 1.0, 1))
    through = path.update("seed-001", Product("Through", 2.0, 2), policy="write_through")
    path.evict("seed-001")
    assert path.read("seed-001")["name"] == "Through"
    path.flusher.run()
    row = path.row("seed-001")
    assert row is not None
    assert row["version"] == through["version"]


def test_the_policy_can_be_switched_live(path: WritePath) -> None:
    path.overview.change_settings({"write_policy": "write_through"})
    assert path.create()["source"] == "database"
    assert path.create(policy="write_behind")["source"] == "cache"
    path.overview.change_settings({"write_policy": "write_behind"})
    assert path.create()["source"] == "cache"
