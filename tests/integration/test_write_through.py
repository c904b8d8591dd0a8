"""Writing through, with whatever can come in between. On real Redis and PostgreSQL."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from service.writebehind import keys
from service.writebehind.entry import Product
from service.writebehind.errors import (
    CacheUnavailable,
    NoSuchProduct,
    OutcomeUnknown,
    RowsRefused,
    StoreUnavailable,
)
from service.writebehind.scripts import Script
from tests.rigged import Killed, RiggedScripts, RiggedStore
from tests.watched import Watched, every, for_a_while
from tests.write_path import OpenPath, Parts, WritePath

SEED = "seed-001"
NEW, NEWER = Product("New", 1.0, 1), Product("Newer", 2.0, 2)
THROUGH, BEHIND = "write_through", "write_behind"


class Rigged:
    """A write path whose next steps can be made to fail."""

    def __init__(self, path: WritePath) -> None:
        assert isinstance(path.scripts, RiggedScripts)
        assert isinstance(path.store, RiggedStore)
        self.path, self.scripts, self.store = path, path.scripts, path.store

    def through(self, product: Product = NEW, product_id: str = SEED) -> dict[str, Any]:
        return self.path.update(product_id, product, policy=THROUGH)

    def behind(self, product: Product = NEWER, product_id: str = SEED) -> dict[str, Any]:
        return self.path.update(product_id, product, policy=BEHIND)

    def fail(self, script: Script, error: BaseException, times: int = 1) -> None:
        self.scripts.faults[script] = [error] * times

    def mark(self) -> bytes | None:
        held: Any = self.path.redis.get(keys.fill(SEED))
        return held if held and held.startswith(b"writing:") else None

    def let_time_pass(self, seconds: int) -> None:
        """Let the mark of the seed be older than it is."""
        held = self.mark()
        assert held
        name, version, since, *rest = held.split(b":")
        aged = b":".join((name, version, b"%d" % (int(since) - seconds * 1_000_000), *rest))
        self.path.redis.set(keys.fill(SEED), aged)

    def assert_all_agree(self) -> dict[str, Any]:
        """After a flush, the cache, PostgreSQL and readers show the same; return it."""
        self.path.flusher.run()
        read, again = self.path.read(SEED), self.path.read(SEED)
        assert again["source"] == "cache"
        row = self.path.row(SEED)
        assert row is not None
        assert row["version"] == read["version"] == again["version"]
        self.path.assert_balanced()
        return again


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
    for_a_while(0.8, *writers, *[product.read] * 5, every(0.01, path.flusher.run))
    assert product.stale == []
    assert set(product.answers) == {"read", *policies}, product.answers
    path.flusher.run()
    assert path.read(SEED)["version"] == product.newest
    path.assert_balanced()


def test_no_read_goes_back_while_connections_to_redis_break(path: WritePath, other: WritePath) -> None:
    product = Watched(path, SEED)

    for_a_while(
        1, *[lambda: product.update(THROUGH)] * 4, *[product.read] * 4, every(0.006, lambda: cut_all(other))
    )
    assert product.stale == []
    assert product.answers[THROUGH] > 20
    assert product.answers["read"] > 20
    assert "OutcomeUnknown of a read" not in product.answers
    assert path.read(SEED)["version"] >= product.newest


def test_a_deleted_product_is_gone_though_connections_to_redis_break(
    path: WritePath, other: WritePath
) -> None:
    products = [path.create(policy=THROUGH)["id"] for _ in range(40)]
    rest = iter(products)
    shown: list[object] = []
    taken: list[object] = []

    def delete_one() -> None:
        product = next(rest, None)
        if product is None:
            return
        try:
            tombstone = path.delete(product, policy=THROUGH)
        except (CacheUnavailable, OutcomeUnknown):
            return
        for attempt in (path.read, path.update):
            try:
                answer = attempt(product)
            except (NoSuchProduct, CacheUnavailable, OutcomeUnknown):
                continue
            (shown if attempt == path.read else taken).append((answer, tombstone))

    for_a_while(0.6, delete_one, delete_one, every(0.006, lambda: cut_all(other)))
    assert (shown, taken) == ([], [])
    assert sum(path.row(product) is None for product in products) > 10


# A writer that does not come to its end


def test_killed_between_commit_and_settling_the_new_value_is_found(rigged: Rigged, other: WritePath) -> None:
    other.read(SEED)
    rigged.fail("settle", Killed())
    with pytest.raises(Killed):
        rigged.through(NEW)
    assert other.read(SEED)["name"] == "New"
    assert rigged.mark() is None
    assert rigged.assert_all_agree()["name"] == "New"


def test_killed_before_the_commit_the_old_value_stays_and_writes_go_on(
    rigged: Rigged, other: WritePath
) -> None:
    before = other.read(SEED)
    rigged.store.faults = [Killed()]
    with pytest.raises(Killed):
        rigged.through(NEW)
    assert [other.read(SEED)["name"] for _ in range(3)] == [before["name"]] * 3
    again = other.update(SEED, NEWER)
    assert again["created_at"] == before["created_at"]
    assert rigged.assert_all_agree()["name"] == "Newer"


def test_a_mark_whose_write_never_arrives_is_forgotten_in_two_steps(rigged: Rigged, other: WritePath) -> None:
    rigged.store.faults = [Killed()]
    with pytest.raises(Killed):
        rigged.through(NEW)
    rigged.let_time_pass(59)
    other.read(SEED)
    assert b":begun" in (rigged.mark() or b"")
    rigged.let_time_pass(2)
    other.read(SEED)
    assert b":doubted" in (rigged.mark() or b"")
    rigged.let_time_pass(9)
    other.read(SEED)
    assert rigged.mark()
    rigged.let_time_pass(2)
    assert other.read(SEED)["source"] == "database"
    assert rigged.mark() is None
    rigged.assert_all_agree()


def test_a_mark_does_not_end_by_the_wall_clock(rigged: Rigged) -> None:
    rigged.store.faults = [Killed()]
    with pytest.raises(Killed):
        rigged.through(NEW)
    assert rigged.path.redis.ttl(keys.fill(SEED)) == -1


def test_a_delete_whose_settling_is_lost_is_seen_by_all(rigged: Rigged, other: WritePath) -> None:
    other.read(SEED)
    rigged.fail("settle", OutcomeUnknown("broke off"), times=9)
    tombstone = rigged.path.delete(SEED, policy=THROUGH)
    for policy in (BEHIND, THROUGH):
        with pytest.raises(NoSuchProduct):
            other.update(SEED, policy=policy)
        with pytest.raises(NoSuchProduct):
            other.delete(SEED, policy=policy)
    assert rigged.mark(), "writes do not settle what they find"
    for _ in range(2):
        with pytest.raises(NoSuchProduct):
            other.read(SEED)
    assert rigged.mark() is None
    cached: Any = other.redis.get(keys.cache(SEED))
    assert json.loads(cached)["version"] == tombstone["version"]
    with pytest.raises(NoSuchProduct):
        other.update(SEED)
    assert rigged.path.row(SEED) is None


def test_an_update_on_top_of_a_lost_settling_rises_above_it(rigged: Rigged, other: WritePath) -> None:
    for policy in (BEHIND, THROUGH):
        rigged.fail("settle", CacheUnavailable("away"), times=9)
        first = rigged.through(NEW)
        second = other.update(SEED, NEWER, policy=policy)
        assert second["version"] > first["version"]
        assert second["created_at"] == first["created_at"]
        assert other.read(SEED)["name"] == "Newer"
        rigged.scripts.faults.clear()
        assert rigged.assert_all_agree()["name"] == "Newer"


def test_settling_is_tried_again(rigged: Rigged) -> None:
    rigged.fail("settle", OutcomeUnknown("broke off"), times=2)
    rigged.through(NEW)
    assert rigged.path.read(SEED)["source"] == "cache"
    rigged.scripts.loses_answers_of = ["settle"]
    rigged.through(NEWER)
    assert rigged.path.read(SEED)["source"] == "cache"
    assert rigged.assert_all_agree()["name"] == "Newer"


def test_a_lost_answer_to_beginning_is_no_unknown_outcome(rigged: Rigged) -> None:
    rigged.scripts.loses_answers_of = ["begin"]
    assert rigged.through(NEW)["name"] == "New"
    assert rigged.assert_all_agree()["name"] == "New"
    rigged.scripts.loses_answers_of = ["begin"] * 3
    with pytest.raises(CacheUnavailable):
        rigged.through(NEWER)
    assert rigged.path.read(SEED)["name"] == "New"


# Slow statements, and others that pass them


@pytest.mark.parametrize("policy", [BEHIND, THROUGH])
def test_a_slow_write_that_a_newer_one_passes_is_not_cached(
    rigged: Rigged, other: WritePath, policy: str
) -> None:
    newer: list[dict[str, Any]] = []

    def pass_it() -> None:
        newer.append(other.update(SEED, NEWER, policy=policy))
        other.flusher.run()
        # The newer one's TTL ends.
        other.evict(SEED)

    rigged.store.delays = [pass_it]
    slow = rigged.through(NEW)
    assert slow["version"] < newer[0]["version"]
    assert other.read(SEED)["name"] == "Newer"
    assert rigged.assert_all_agree()["name"] == "Newer"


def test_a_read_during_a_slow_write_caches_nothing(rigged: Rigged, other: WritePath) -> None:
    rigged.store.delays = [lambda: other.read(SEED)]
    rigged.through(NEW)
    assert other.read(SEED)["name"] == "New"


def test_a_read_that_looked_before_the_commit_caches_nothing(rigged: Rigged, other: WritePath) -> None:
    """It finds the mark of a write, looks, and comes back when that write and another are over."""
    rigged.store.faults = [Killed()]
    with pytest.raises(Killed):
        rigged.through(NEW)
    rigged.store.meanwhile = [lambda: other.update(SEED, NEWER, policy=THROUGH)]
    rigged.path.read(SEED)
    assert other.read(SEED)["name"] == "Newer"


def test_a_mark_that_was_lost_hides_nothing(rigged: Rigged, other: WritePath) -> None:
    """Somebody deletes the mark, and a reader caches the row before the commit."""

    def lose_it() -> None:
        other.redis.delete(keys.fill(SEED))
        other.read(SEED)
        assert other.read(SEED)["source"] == "cache"

    rigged.store.delays = [lose_it]
    rigged.through(NEW)
    assert other.read(SEED)["name"] == "New"


def test_a_fill_that_began_without_the_mark_is_too_late(rigged: Rigged, other: WritePath) -> None:
    rigged.store.delays = [lambda: other.redis.delete(keys.fill(SEED))]
    rigged.store.meanwhile = []
    other.evict(SEED)
    reader = rigged.path

    def write_meanwhile() -> None:
        other.update(SEED, NEWER, policy=THROUGH)

    rigged.store.meanwhile = [write_meanwhile]
    reader.read(SEED)
    assert other.read(SEED)["name"] == "Newer"


# What is pending


def test_a_lost_settling_does_not_let_an_older_pending_write_reappear(
    rigged: Rigged, other: WritePath
) -> None:
    other.update(SEED, Product("Pending", 3.0, 3))
    rigged.fail("settle", OutcomeUnknown("broke off"), times=9)
    through = rigged.through(NEW)
    assert other.read(SEED)["version"] == through["version"]
    other.evict(SEED)
    assert other.read(SEED)["version"] == through["version"]
    assert rigged.assert_all_agree()["name"] == "New"


def test_a_failed_write_over_a_lost_settling_brings_nothing_old_back(
    rigged: Rigged, other: WritePath
) -> None:
    other.update(SEED, Product("Pending", 3.0, 3))
    rigged.fail("settle", OutcomeUnknown("broke off"), times=9)
    rigged.through(NEW)
    rigged.store.faults = [StoreUnavailable("away")]
    with pytest.raises(StoreUnavailable):
        rigged.through(NEWER)
    assert [other.read(SEED)["name"] for _ in range(2)] == ["New", "New"]
    assert rigged.assert_all_agree()["name"] == "New"


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


def test_an_unknown_outcome_leaves_the_mark(rigged: Rigged, other: WritePath) -> None:
    """The connection broke; PostgreSQL commits it later."""
    sent: list[bytes] = []

    def write(entries: Any, **_: Any) -> int:
        sent.extend(entries)
        raise OutcomeUnknown("broke off")

    rigged.store.write = write  # type: ignore[method-assign]
    with pytest.raises(OutcomeUnknown):
        rigged.through(NEW)
    assert other.read(SEED)["name"] != "New"
    other.store.write(sent)
    assert [other.read(SEED)["name"] for _ in range(2)] == ["New", "New"]


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
def test_junk_in_a_cache_key_costs_nothing(
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
