"""Write-through, with many clients at once. On real Redis and PostgreSQL."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from service.writebehind.errors import (
    CacheUnavailable,
    NoSuchProduct,
    OutcomeUnknown,
    RowsRefused,
    StoreUnavailable,
)
from tests.rigged import RiggedScripts, RiggedStore
from tests.rigged_path import BEHIND, NEW, NEWER, SEED, THROUGH, Rigged
from tests.watched import Watched, every, for_a_while
from tests.write_path import OpenPath, Parts, WritePath


@pytest.fixture
def rigged(open_path: OpenPath) -> Rigged:
    return Rigged(open_path(Parts(scripts=RiggedScripts, store=RiggedStore)))


@pytest.fixture
def other(open_path: OpenPath) -> WritePath:
    """Another process of the service."""
    return open_path()


def cut_all(path: WritePath) -> None:
    path.redis.client_kill_filter(_type="normal", skipme=True)


# Many at once


@pytest.mark.parametrize(
    "policies", [(THROUGH,), (THROUGH, BEHIND)], ids=["write-through alone", "both policies"]
)
def test_no_read_goes_back_while_ten_clients_write_and_read(
    path: WritePath, policies: tuple[str, ...]
) -> None:
    product = Watched(path, SEED)
    writers = [lambda policy=policy: product.update(policy) for policy in policies * (5 // len(policies))]
    enough = partial(product.has, 20, "read", *policies)
    for_a_while(0.8, *writers, *[product.read] * 5, every(0.01, path.flusher.run), enough=enough)
    assert product.stale == []
    assert set(product.answers) == {"read", *policies}, product.answers
    path.flusher.run()
    assert path.read(SEED)["version"] == product.newest
    path.assert_balanced()


def test_no_read_goes_back_while_connections_to_redis_break(path: WritePath, other: WritePath) -> None:
    product = Watched(path, SEED)
    writers, readers = [lambda: product.update(THROUGH)] * 4, [product.read] * 4
    cut, enough = every(0.006, lambda: cut_all(other)), partial(product.has, 20, "read", THROUGH)
    for_a_while(1, *writers, *readers, cut, enough=enough)
    assert product.stale == []
    assert "OutcomeUnknown of a read" not in product.answers
    assert path.read(SEED)["version"] >= product.newest


def test_a_deleted_product_is_gone_though_connections_to_redis_break(
    path: WritePath, other: WritePath
) -> None:
    deleted: list[str] = []
    wrong: list[object] = []

    def delete_one() -> None:
        with suppress(CacheUnavailable, OutcomeUnknown):
            product = path.create(policy=THROUGH)["id"]
            path.delete(product, policy=THROUGH)
            deleted.append(product)
            for attempt in (path.read, path.update):
                with suppress(NoSuchProduct):
                    wrong.append(attempt(product))

    cut = every(0.006, lambda: cut_all(other))
    for_a_while(0.6, delete_one, delete_one, cut, enough=lambda: len(deleted) > 10)
    assert wrong == []
    assert not any(map(path.row, deleted))


# What is pending


@pytest.mark.parametrize("coalescing", [True, False])
@pytest.mark.parametrize("claimed", [False, True])
def test_writing_through_over_pending_writes_keeps_the_accounts(
    open_path: OpenPath, coalescing: bool, claimed: bool
) -> None:
    path = open_path(write_coalescing_enabled=coalescing)
    product = path.create()["id"]
    path.update(product)
    claim = path.buffer.claim(path.settings) if claimed else None
    path.update(product)
    through = path.update(product, NEW, policy=THROUGH)
    path.evict(product)
    assert path.read(product)["version"] == through["version"]
    if claim:
        path.buffer.ack(claim, claim.rows, rows_written=len(claim.rows))
    path.flusher.run()
    assert path.queue().queue_size == 0
    path.assert_balanced()
    assert path.read(product)["version"] == through["version"]


def test_a_delete_of_a_product_that_is_only_pending(path: WritePath) -> None:
    product = path.create()["id"]
    path.delete(product, policy=THROUGH)
    for _ in range(3):
        with pytest.raises(NoSuchProduct):
            path.read(product)
        with pytest.raises(NoSuchProduct):
            path.update(product)
        path.evict(product)
        path.flusher.run()
    assert path.row(product) is None
    path.assert_balanced()


def test_the_overflow_writes_through_what_is_pending_already(open_path: OpenPath) -> None:
    path = open_path(max_pending=1, overflow_policy="write_through", write_coalescing_enabled=False)
    product = path.create()
    over = path.update(product["id"], NEW)
    assert over["source"] == "database"
    path.evict(product["id"])
    assert path.read(product["id"])["version"] == over["version"]
    path.flusher.run()
    path.assert_balanced()


# What a failed write leaves


def test_a_failed_write_leaves_the_cache_as_it_was(rigged: Rigged, other: WritePath) -> None:
    """So that what was cached can be read on, while PostgreSQL is away."""
    before = [other.read(SEED), other.read(SEED)][1]
    rigged.store.faults = [StoreUnavailable("away")]
    with pytest.raises(StoreUnavailable):
        rigged.through(NEW)
    assert other.read(SEED) == before
    assert before["source"] == "cache"


def test_what_was_given_up_meanwhile_is_not_cached_again(rigged: Rigged, other: WritePath) -> None:
    other.update(SEED, NEWER)

    def give_up() -> None:
        claim = other.buffer.claim(other.settings)
        letters = [DeadLetter.of(r.id, r.version, r.entry, error="no", attempts=1) for r in claim.rows]
        other.buffer.dead_letter(claim, letters)
        raise StoreUnavailable("away")

    rigged.store.delays = [give_up]
    with pytest.raises(StoreUnavailable):
        rigged.through(NEW)
    assert other.read(SEED)["name"] == "Seed Widget"
    assert rigged.mark() is None
    assert rigged.assert_all_agree()["name"] == "Seed Widget"


def test_a_write_meanwhile_is_not_replaced_by_what_was_cached(rigged: Rigged, other: WritePath) -> None:
    other.read(SEED)
    for policy in (BEHIND, THROUGH):

        def fail(policy: str = policy) -> None:
            other.update(SEED, NEWER, policy=policy)
            raise StoreUnavailable("away")

        rigged.store.delays = [fail]
        with pytest.raises(StoreUnavailable):
            rigged.through(NEW)
        assert other.read(SEED)["name"] == "Newer"
        assert rigged.assert_all_agree()["name"] == "Newer"


# Refusals and outages


def test_what_postgres_refuses_is_refused_with_its_reason(rigged: Rigged, other: WritePath) -> None:
    before = other.read(SEED)
    other.sql("ALTER TABLE products ADD CONSTRAINT no_new CHECK (name <> 'New')")
    try:
        with pytest.raises(RowsRefused, match="no_new"):
            rigged.through(NEW)
    finally:
        other.sql("ALTER TABLE products DROP CONSTRAINT no_new")
    assert rigged.mark() is None
    assert other.read(SEED)["version"] == before["version"]
    assert other.read(SEED)["source"] == "cache"


def test_a_read_whose_connections_break_is_unavailable(rigged: Rigged) -> None:
    rigged.fail("read", OutcomeUnknown("broke off"))
    rigged.path.read(SEED)
    rigged.path.evict(SEED)
    rigged.fail("fill", OutcomeUnknown("broke off"))
    assert rigged.path.read(SEED)["source"] == "database"
    rigged.fail("read", OutcomeUnknown("broke off"), times=2)
    with pytest.raises(CacheUnavailable):
        rigged.path.read(SEED)


def test_a_read_that_loses_postgres_is_unavailable(rigged: Rigged) -> None:
    def end_all() -> None:
        rigged.path.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )

    rigged.path.read("seed-002")
    end_all()
    assert rigged.path.read(SEED)["source"] == "database"


# Live settings


@pytest.mark.parametrize("junk", [None, "0", "-5", "x", "1e9", "99999999999", ""])
def test_fills_and_settlings_use_the_live_ttl(path: WritePath, junk: str | None) -> None:
    path.overview.change_settings({"cache_ttl_seconds": 77})
    expected = 77
    if junk is not None:
        path.redis.hset(keys.CONFIG, "cache_ttl_seconds", junk)
        expected = 3600
    path.read(SEED)
    assert path.redis.ttl(keys.cache(SEED)) == expected
    path.update(SEED, NEW, policy=THROUGH)
    assert path.redis.ttl(keys.cache(SEED)) == expected


# Junk in the place of what belongs to one product


@pytest.mark.parametrize(
    "plant",
    [
        lambda redis, key: redis.set(key, "junk"),
        lambda redis, key: redis.set(key, b"\xff\x00"),
        lambda redis, key: redis.set(key, ""),
        lambda redis, key: redis.set(key, "writing"),
        lambda redis, key: redis.set(key, "writing:x:y:z:begun"),
        lambda redis, key: redis.set(key, "writing:1:2:3:begun"),
        lambda redis, key: redis.lpush(key, "junk"),
        lambda redis, key: redis.hset(key, "junk", "junk"),
    ],
    ids=["text", "binary", "empty", "old mark", "no mark", "a mark of long ago", "list", "hash"],
)
@pytest.mark.parametrize("key", [keys.cache(SEED), keys.fill(SEED)], ids=["cache", "fill"])
def test_junk_in_a_cache_key_does_no_harm(
    path: WritePath, key: str, plant: Callable[[Any, str], object]
) -> None:
    for policy in (BEHIND, THROUGH):
        path.evict(SEED)
        path.redis.delete(key)
        plant(path.redis, key)
        assert path.read(SEED)["id"] == SEED
        path.redis.delete(key)
        plant(path.redis, key)
        written = path.update(SEED, NEW, policy=policy)
        assert path.read(SEED)["version"] == written["version"]
        path.flusher.run()
    path.assert_balanced()
