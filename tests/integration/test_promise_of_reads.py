"""What the promise says of reads, of bounds, and of writing through. On real Redis and PostgreSQL."""

import json
import time
from collections.abc import Callable

import pytest

from service.writebehind.entry import Product
from service.writebehind.errors import CacheUnavailable, NoSuchProduct, QueueFull, StoreUnavailable
from service.writebehind.reads import Reads
from service.writebehind.store import Store, StoredProduct
from tests.servers import Servers
from tests.write_path import WIDGET, OpenPath, WritePath

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
