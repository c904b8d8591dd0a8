"""Dead letters: put back, refused again, planted by others. On real Redis and PostgreSQL."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from service.writebehind import keys
from service.writebehind.entry import DeadLetter, Product
from service.writebehind.errors import NoSuchProduct, StoreUnavailable
from tests.rigged import RiggedStore
from tests.write_path import OpenPath, Parts, WritePath

SEED = "seed-001"
V1, V2, V3 = (Product(f"V{n}", float(n), n) for n in (1, 2, 3))


def give_up(path: WritePath) -> None:
    """Dead-letter everything that is due, as a flush would."""
    path.buffer.flush_started()
    claim = path.buffer.claim(path.settings)
    letters = [DeadLetter.of(r.id, r.version, r.entry, error="refused", attempts=1) for r in claim.rows]
    path.buffer.dead_letter(claim, letters)


def totals_are(path: WritePath, **expected: int) -> None:
    totals = path.queue().totals
    assert totals == {**totals, **expected}
    path.assert_balanced()


@pytest.fixture
def path(open_path: OpenPath) -> WritePath:
    return open_path(Parts(store=RiggedStore))


# Put back


def test_what_is_put_back_is_seen_at_once_and_stays(path: WritePath) -> None:
    path.update(SEED, V1)
    path.flusher.run()
    path.update(SEED, V2)
    give_up(path)
    assert path.read(SEED)["name"] == "V1", "which the read caches"
    assert path.dead_letters.requeue() == (1, 0, True)
    assert path.read(SEED)["name"] == "V2"
    path.flusher.run()
    assert [path.read(SEED)["name"] for _ in range(2)] == ["V2", "V2"]
    assert path.read(SEED)["source"] == "cache"
    path.assert_balanced()


def test_who_looked_before_it_was_put_back_caches_nothing(path: WritePath) -> None:
    path.update(SEED, V2)
    give_up(path)
    assert isinstance(path.store, RiggedStore)
    path.store.meanwhile = [path.dead_letters.requeue]
    path.read(SEED)
    assert path.read(SEED)["name"] == "V2"
    path.flusher.run()
    assert path.read(SEED)["name"] == "V2"


def test_a_delete_that_is_put_back_is_seen_at_once(path: WritePath) -> None:
    path.delete(SEED)
    give_up(path)
    assert path.read(SEED)["id"] == SEED
    path.dead_letters.requeue()
    for _ in range(3):
        with pytest.raises(NoSuchProduct):
            path.read(SEED)
        with pytest.raises(NoSuchProduct):
            path.update(SEED)
        path.flusher.run()


def test_a_create_that_is_put_back_can_be_updated(path: WritePath) -> None:
    product = path.create()
    give_up(path)
    with pytest.raises(NoSuchProduct):
        path.update(product["id"])
    path.dead_letters.requeue()
    assert path.update(product["id"], V2)["created_at"] == product["created_at"]
    path.flusher.run()
    assert path.read(product["id"])["name"] == "V2"
    path.assert_balanced()


@pytest.mark.parametrize("policy", ["write_behind", "write_through"])
def test_a_newer_write_while_letters_are_put_back_wins(path: WritePath, policy: str) -> None:
    """A newer write reaches PostgreSQL before the letter is back, and leaves nothing in Redis."""
    path.update(SEED, V2)
    give_up(path)

    def newer() -> None:
        path.update(SEED, V3, policy=policy)
        path.flusher.run()
        path.evict(SEED)

    versions = path.store.versions

    def look(product_ids: Sequence[str]) -> dict[str, int]:
        found = versions(product_ids)
        newer()
        return found

    path.store.versions = look  # type: ignore[method-assign]
    path.dead_letters.requeue()
    assert path.read(SEED)["name"] == "V3"
    path.flusher.run()
    assert [path.read(SEED)["name"] for _ in range(2)] == ["V3", "V3"]
    path.assert_balanced()


@pytest.mark.parametrize("newest_first", [False, True])
def test_two_letters_of_one_product_are_both_accounted_for(path: WritePath, newest_first: bool) -> None:
    for product in (V1, V2):
        path.update(SEED, product)
        give_up(path)
    if newest_first:
        path.redis.lmove(keys.DLQ, keys.DLQ, "LEFT", "RIGHT")
    totals_are(path, accepted=2, dead_lettered=2, coalesced=0)
    path.dead_letters.requeue()
    totals_are(path, accepted=2, dead_lettered=0, given_up=2, requeued=2, coalesced=1)
    assert path.read(SEED)["name"] == "V2"
    path.flusher.run()
    totals_are(path, persisted=1)
    assert path.read(SEED)["name"] == "V2"


def test_a_letter_that_comes_back_while_the_older_one_is_written(path: WritePath) -> None:
    for product in (V1, V2):
        path.update(SEED, product)
        give_up(path)
    newer = path.redis.rpop(keys.DLQ)
    path.dead_letters.requeue()
    claim = path.buffer.claim(path.settings)
    path.redis.rpush(keys.DLQ, newer)  # type: ignore[arg-type]
    path.dead_letters.requeue()
    path.store.write([row.entry for row in claim.rows])
    path.buffer.ack(claim, claim.rows, rows_written=1)
    totals_are(path, accepted=2, coalesced=0, persisted=1)
    assert path.read(SEED)["name"] == "V2"
    path.flusher.run()
    totals_are(path, accepted=2, coalesced=0, persisted=2)
    assert path.read(SEED)["name"] == "V2"


def test_a_letter_older_than_a_write_through_that_is_not_settled(path: WritePath) -> None:
    path.update(SEED, V1)
    give_up(path)
    path.update(SEED, V2, policy="write_through")
    assert path.dead_letters.requeue() == (0, 1, False)
    assert path.read(SEED)["name"] == "V2"
    path.assert_balanced()


def test_refused_again_it_leaves_no_trace_but_its_letter(path: WritePath) -> None:
    path.update(SEED, V2)
    give_up(path)
    path.dead_letters.requeue()
    give_up(path)
    assert path.dead_letters.size() == 1
    assert not path.redis.exists(keys.fill(SEED))
    path.read(SEED)
    assert path.read(SEED)["source"] == "cache"
    path.assert_balanced()


def test_an_outage_while_putting_back_keeps_the_letters(path: WritePath) -> None:
    path.update(SEED, V2)
    give_up(path)
    path.sql("ALTER TABLE products RENAME TO away")
    try:
        with pytest.raises(StoreUnavailable):
            path.dead_letters.requeue()
    finally:
        path.sql("ALTER TABLE away RENAME TO products")
    assert path.dead_letters.requeue() == (1, 0, True)


# Planted

MOMENT = "2026-01-01T00:00:00Z"


def letter(product_id: Any = "seed-002", version: Any = 1_700_000_000_000_000, **entry: Any) -> bytes:
    whole = {
        "id": product_id, "name": "Planted", "price": 1.0, "quantity": 1, "created_at": MOMENT,
        "updated_at": MOMENT, "version": version, "queued_at": 1, "attempts": 1, **entry,
    }  # fmt: skip
    return json.dumps({"id": product_id, "version": version, "entry": whole, "error": "x"}).encode()


JUNK = {
    "text": b"junk",
    "empty": b"",
    "binary": b"\xff\x00\xfe",
    "number": b"7",
    "list": b"[]",
    "object": b"{}",
    "deep": b"[" * 100_000,
    "no entry": b'{"id":"seed-002","version":1}',
    "entry is text": b'{"id":"seed-002","version":1,"entry":"x"}',
    "NUL in the id": letter("seed\x00002"),
    "empty id": letter(""),
    "long id": letter("x" * 37),
    "surrogate in the id": letter("\ud800"),
    "id is a number": letter(7),
    "version is text": letter(version="7"),
    "version is a float": letter(version=1.5e15),
    "version is true": letter(version=True),
    "version is null": letter(version=None),
    "version is negative": letter(version=-1),
    "version is 0": letter(version=0),
    "version of the year 2255": letter(version=9_000_000_000_000_000),
    "version beyond 2^53": letter(version=2**53),
    "version beyond 2^64": letter(version=2**70),
    "two ids": letter(id="seed-003"),
    "two versions": letter(version=5, attempts=1).replace(b'"version": 5, "queued', b'"version": 6, "queued'),
    "NUL in the name": letter(name="a\x00b"),
    "no name": letter(name=None),
    "long name": letter(name="x" * 300),
    "huge price": letter(price=1e300),
    "price is text": letter(price="1"),
    "huge quantity": letter(quantity=2**31),
    "no moment": letter(created_at="x"),
    "quote in a moment": letter(updated_at='2026-01-01T00:00:00Z","version":1,"x":"'),
    "moment is a number": letter(created_at=1),
    "huge": letter(name="x" * 5_000_000),
}  # fmt: skip


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_a_planted_letter_costs_only_itself(path: WritePath, junk: bytes) -> None:
    path.update(SEED, V2)
    give_up(path)
    path.redis.lpush(keys.DLQ, junk)
    assert path.dead_letters.size() == 2
    assert len(path.dead_letters.oldest(10)) == 2
    assert path.dead_letters.requeue() == (1, 0, True)
    path.flusher.run()
    assert path.read(SEED)["name"] == "V2"
    assert path.redis.lrange(keys.DLQ, 0, -1) == [junk], "where a person will find it"
    assert path.dead_letters.requeue() == (0, 0, False)
    assert path.dead_letters.drop() == 1


def test_a_planted_letter_in_the_right_shape_is_a_write(path: WritePath) -> None:
    path.redis.rpush(keys.DLQ, letter(), letter("seed-003", deleted=True))
    assert path.dead_letters.requeue() == (2, 0, True)
    path.flusher.run()
    assert path.read("seed-002")["name"] == "Planted"
    with pytest.raises(NoSuchProduct):
        path.read("seed-003")


def test_more_junk_than_letters(path: WritePath) -> None:
    path.redis.rpush(keys.DLQ, *[b"junk %d" % n for n in range(250)])
    path.update(SEED, V2)
    give_up(path)
    assert path.dead_letters.requeue() == (1, 0, True)
    assert path.dead_letters.size() == 250


def test_a_planted_key_in_place_of_the_letters_loses_no_later_letter(path: WritePath) -> None:
    path.redis.set(keys.DLQ, "held by something else")
    assert path.dead_letters.size() == 0
    assert path.dead_letters.oldest(10) == []
    assert path.dead_letters.requeue() == (0, 0, False)
    path.update(SEED, V1)
    path.update("seed-002", V2)
    give_up(path)
    assert [found["id"] for found in path.dead_letters.oldest(10)] == [SEED, "seed-002"]
    path.redis.set(keys.DLQ, "again")
    assert path.dead_letters.drop() == 0
    assert not path.redis.exists(keys.DLQ)


@pytest.mark.parametrize("key", [keys.TOTALS, keys.cache(SEED), keys.fill(SEED), keys.SIGNAL])
@pytest.mark.parametrize("junk", ["text", "list"])
def test_planted_keys_beside_the_letters_stop_nothing(path: WritePath, key: str, junk: str) -> None:
    path.update(SEED, V2)

    def plant() -> None:
        path.redis.delete(key)
        path.redis.set(key, "junk") if junk == "text" else path.redis.lpush(key, "junk")

    plant()
    give_up(path)
    assert path.dead_letters.size() == 1
    plant()
    assert path.dead_letters.requeue()[:2] == (1, 0)
    assert path.read(SEED)["name"] == "V2"
    if key == keys.TOTALS:
        path.redis.delete(key)
    path.flusher.run()
    assert path.read(SEED)["name"] == "V2"


def test_junk_in_a_total_costs_only_that_total(path: WritePath) -> None:
    path.update(SEED, V2)
    path.redis.hset(keys.TOTALS, mapping={"dead_lettered": "junk", "coalesced": "9" * 19})
    give_up(path)
    assert path.queue().totals["dead_lettered"] == 1
    assert path.dead_letters.requeue() == (1, 0, True)
