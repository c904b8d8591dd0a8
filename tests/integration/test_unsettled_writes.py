"""Writes to PostgreSQL that are settled late or never: the writer was killed, cut off, or slow."""

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from service.writebehind import keys
from service.writebehind.entry import Product
from service.writebehind.errors import (
    CacheUnavailable,
    NoSuchProduct,
    OutcomeUnknown,
    StoreUnavailable,
)
from tests.rigged import Killed, RiggedScripts, RiggedStore
from tests.rigged_path import BEHIND, NEW, NEWER, SEED, THROUGH, Rigged
from tests.write_path import OpenPath, Parts, WritePath


@pytest.fixture
def rigged(open_path: OpenPath) -> Rigged:
    return Rigged(open_path(Parts(scripts=RiggedScripts, store=RiggedStore)))


@pytest.fixture
def other(open_path: OpenPath) -> WritePath:
    """Another process of the service."""
    return open_path()


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


@pytest.mark.parametrize("pending", [False, True])
def test_a_delete_whose_settling_is_lost_is_seen_by_all(
    rigged: Rigged, other: WritePath, pending: bool
) -> None:
    if pending:
        other.update(SEED)
    else:
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


def test_a_lost_answer_to_begin_is_not_an_unknown_outcome(rigged: Rigged) -> None:
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
    """A reader finds the mark of a write, reads the row, and returns when that write and another are over."""
    rigged.store.faults = [Killed()]
    with pytest.raises(Killed):
        rigged.through(NEW)
    rigged.store.meanwhile = [lambda: other.update(SEED, NEWER, policy=THROUGH)]
    rigged.path.read(SEED)
    assert other.read(SEED)["name"] == "Newer"


def test_a_mark_that_was_lost_hides_nothing(rigged: Rigged, other: WritePath) -> None:
    """The mark is deleted, and a reader caches the row before the commit."""

    def lose_it() -> None:
        other.redis.delete(keys.fill(SEED))
        other.read(SEED)
        assert other.read(SEED)["source"] == "cache"

    rigged.store.delays = [lose_it]
    rigged.through(NEW)
    assert other.read(SEED)["name"] == "New"


def test_a_reader_who_looked_before_the_commit_is_too_late_to_cache(
    rigged: Rigged, open_path: OpenPath
) -> None:
    """The mark is lost, a reader reads the row, the write is settled, the reader tries to cache."""
    reader = Rigged(open_path(Parts(scripts=RiggedScripts, store=RiggedStore)))
    looked, settled = threading.Event(), threading.Event()
    reader.store.meanwhile = [looked.set, lambda: settled.wait(5)]
    with ThreadPoolExecutor(1) as pool:

        def lose_it() -> None:
            rigged.path.redis.delete(keys.fill(SEED))
            reading.append(pool.submit(reader.path.read, SEED))
            assert looked.wait(5)

        reading: list[Future[Any]] = []
        rigged.store.delays = [lose_it]
        rigged.through(NEW)
        settled.set()
        assert reading[0].result()["name"] == "Seed Widget"
    assert rigged.path.read(SEED)["name"] == "New"


def test_a_row_that_is_newer_than_redis_knows_is_not_hidden(rigged: Rigged, other: WritePath) -> None:
    """A row written by a clock that was ahead, before Redis lost its memory."""

    def write_newer() -> None:
        rigged.path.sql("UPDATE products SET version = %s, name = 'Ahead' WHERE id = %s", 6 * 10**15, SEED)

    rigged.store.delays = [write_newer]
    rigged.through(NEW)
    assert [other.read(SEED)["name"] for _ in range(2)] == ["Ahead", "Ahead"]
    assert other.update(SEED, NEWER)["version"] == 6 * 10**15 + 1
    assert rigged.assert_all_agree()["name"] == "Newer"


@pytest.mark.parametrize("policy", [BEHIND, THROUGH])
def test_no_version_is_given_twice_though_the_first_was_never_committed(
    rigged: Rigged, other: WritePath, policy: str
) -> None:
    """A row written by a clock that was ahead: later versions count on from there."""
    rigged.path.sql("UPDATE products SET version = %s WHERE id = %s", 6 * 10**15, SEED)
    rigged.store.faults = [Killed()]
    with pytest.raises(Killed):
        rigged.through(NEW)
    assert b":%d:" % (6 * 10**15 + 1) in (rigged.mark() or b"")
    assert other.update(SEED, NEWER, policy=policy)["version"] == 6 * 10**15 + 2


# Over what is pending


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
