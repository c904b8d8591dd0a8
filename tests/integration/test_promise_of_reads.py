"""The promise about reads, bounds and write-through. On real Redis and PostgreSQL."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from service.writebehind import keys
from service.writebehind.entry import Product
from service.writebehind.errors import CacheUnavailable, NoSuchProduct, QueueFull, StoreUnavailable
from service.writebehind.reads import Reads
from service.writebehind.store import Store, StoredProduct
from tests.servers import Servers
from tests.write_path import WIDGET, OpenPath, Parts, WritePath

# 7. Read your writes


def test_a_read_finds_a_pending_write_whose_cache_entry_is_gone(path: WritePath) -> None:
    product = path.create()
    path.evict(product["id"])
    assert path.read(product["id"])["source"] == "pending"
    assert path.update(product["id"], Product("Again", 1.0, 1))["created_at"] == product["created_at"]


class _Interrupted(Store):
    """A store that runs a hook between reading the row and returning it."""

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


def listed(path: WritePath, limit: int = 100) -> dict[str, dict[str, Any]]:
    return {p["id"]: p for p in map(json.loads, path.reads.newest(limit))}


def test_the_list_shows_a_product_wherever_it_waits(path: WritePath) -> None:
    product = path.create()["id"]
    assert listed(path)[product]["source"] == "pending"
    claim = path.buffer.claim(path.settings)
    assert listed(path)[product]["source"] == "pending"
    path.buffer.retry(claim, [(row, 1, 60.0) for row in claim.rows])
    assert listed(path)[product]["source"] == "pending"
    path.redis.delete(keys.RETRY)
    path.buffer.restore()
    path.flusher.run()
    assert listed(path)[product]["source"] == "database"


def test_the_list_shows_a_product_behind_many_other_writes(path: WritePath) -> None:
    product = path.create()["id"]
    for _ in range(20):
        path.create()
    path.flusher.run()
    newest = path.create()["id"]
    for other in listed(path):
        path.update(other)
    assert list(listed(path, 1)) == [newest]
    assert product in listed(path)


def test_the_list_hides_deletes_wherever_they_wait_and_is_still_full(path: WritePath) -> None:
    products = [path.create()["id"] for _ in range(10)]
    path.flusher.run()
    for product in products[5:]:
        path.delete(product)
    path.buffer.claim(path.settings)
    assert set(listed(path, 5)) == set(products[:5])


def test_the_list_keeps_older_entries_out_while_coalescing_is_off(open_path: OpenPath) -> None:
    path = open_path(write_coalescing_enabled=False)
    product = path.create()["id"]
    path.update(product, Product("Second", 1.0, 1))
    path.buffer.claim(path.settings)
    path.update(product, Product("Third", 1.0, 1))
    assert listed(path)[product]["name"] == "Third"


class _Listed(Store):
    """A store that runs a hook between reading a list and returning it."""

    meanwhile: Callable[[], object]

    def newest(self, limit: int) -> list[StoredProduct]:
        rows = super().newest(limit)
        self.meanwhile()
        return rows


def test_what_is_flushed_while_the_list_is_made_is_in_it(open_path: OpenPath) -> None:
    path = open_path(Parts(store=_Listed))
    assert isinstance(path.store, _Listed)
    path.store.meanwhile = path.flusher.run
    product = path.create()["id"]
    path.update("seed-001", Product("Pending", 1.0, 1))
    path.delete("seed-002")
    found = listed(path)
    assert product in found
    assert found["seed-001"]["name"] == "Pending"
    assert "seed-002" not in found


def test_the_list_shows_what_was_written_through(path: WritePath) -> None:
    path.update("seed-001", Product("Pending", 1.0, 1))
    path.update("seed-001", Product("Through", 1.0, 1), policy="write_through")
    product = path.create(policy="write_through")["id"]
    assert listed(path)["seed-001"]["name"] == "Through"
    assert product in listed(path)


@pytest.mark.parametrize("key", [keys.QUEUE, keys.INFLIGHT, keys.RETRY, keys.PENDING])
def test_a_planted_key_does_not_stop_the_list(path: WritePath, key: str) -> None:
    path.create()
    path.redis.delete(key)
    path.redis.set(key, "junk")
    assert "seed-001" in listed(path)


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
        with pytest.raises(CacheUnavailable, match=r"refused|full"):
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
