"""What only Redis has: counted exactly, whatever becomes of the entries. On real Redis and PostgreSQL."""

import dataclasses
import json

import pytest

from service.writebehind import keys
from service.writebehind.entry import trace_of
from tests.entries import SEED, TRACES, claim, entry, exposed, give_up, persist, writes_of
from tests.write_path import OpenPath, WritePath, as_bytes


def test_every_acknowledged_write_counts_until_a_flush_acknowledges_it(path: WritePath) -> None:
    assert dataclasses.astuple(path.queue().exposed) == (0, 0, 0.0)
    for _ in range(3):
        path.update(SEED)
    path.create()
    assert exposed(path) == (4, 2)
    held = claim(path)
    assert exposed(path) == (4, 2)
    persist(path, held)
    assert dataclasses.astuple(path.queue().exposed) == (0, 0, 0.0)


def test_a_claim_that_is_replaced_counts_until_its_ack_and_its_successor_after_it(path: WritePath) -> None:
    for _ in range(3):
        path.update(SEED)
    held = claim(path)
    path.update(SEED)
    path.update(SEED)
    assert exposed(path) == (5, 1)
    persist(path, held)
    assert exposed(path) == (2, 1)
    persist(path, claim(path))
    assert exposed(path) == (0, 0)


@pytest.mark.parametrize("ending", ["release", "retry", "lease"])
def test_a_claim_that_is_replaced_and_not_written_is_lost_with_its_successor(
    path: WritePath, ending: str
) -> None:
    path.update(SEED)
    path.update(SEED)
    held = claim(path)
    path.update(SEED)
    match ending:
        case "release":
            path.buffer.release(held, held.rows)
        case "retry":
            path.buffer.retry(held, [(held.rows[0], 1, 0.0)])
        case _:
            # The worker was killed, and its lease has ended.
            path.redis.zadd(keys.INFLIGHT, {SEED: 1})
    assert exposed(path) == (3, 1)
    # What was claimed then belongs to the new entry for good.
    last = claim(path)
    path.update(SEED)
    assert exposed(path) == (4, 1)
    persist(path, last)
    assert exposed(path) == (1, 1)


def test_every_entry_of_a_backlog_stands_for_its_own_writes(open_path: OpenPath) -> None:
    path = open_path(write_coalescing_enabled=False)
    for _ in range(3):
        path.update(SEED)
    for left in (2, 1, 0):
        persist(path, claim(path))
        assert exposed(path) == (left, min(left, 1))


def test_a_replaced_claim_is_settled_also_from_a_backlog(open_path: OpenPath) -> None:
    path, plain = open_path(), open_path(write_coalescing_enabled=False)
    path.update(SEED)
    path.update(SEED)
    held = claim(path)
    path.update(SEED)
    plain.update(SEED)
    assert exposed(path) == (4, 1)
    persist(path, held)
    assert exposed(path) == (2, 1)


def test_dead_letters_are_not_exposed_until_they_are_put_back(path: WritePath) -> None:
    path.update(SEED, traceparent=TRACES[0])
    path.update(SEED, traceparent=TRACES[1])
    held = claim(path)
    give_up(path, held)
    assert exposed(path) == (0, 0)
    assert path.dead_letters.requeue()[:2] == (1, 0)
    assert exposed(path) == (2, 1)
    assert trace_of(entry(path)) == TRACES[1]
    persist(path, claim(path))
    assert exposed(path) == (0, 0)


def test_a_letter_that_replaces_an_older_entry_adds_its_writes(path: WritePath) -> None:
    path.update(SEED)
    held = claim(path)
    older = entry(path)
    path.buffer.release(held, held.rows)
    path.update(SEED)
    path.update(SEED)
    give_up(path, claim(path))
    # The key of an older entry comes back, for example from a restored dump.
    path.redis.hset(keys.PENDING, SEED, older)
    path.redis.rpush(keys.QUEUE, SEED)
    path.dead_letters.requeue()
    assert writes_of(entry(path)) == 4


def test_a_letter_that_was_edited_counts_what_it_may(path: WritePath) -> None:
    for writes, counted in ((5, 5), (True, 1), ("5", 1), (-3, 1), (10**12, 1), (1.5, 1), (None, 1)):
        path.update(SEED)
        give_up(path, claim(path))
        letter = json.loads(as_bytes(path.redis.lpop(keys.DLQ)))
        letter["entry"] |= {"writes": writes, "traceparent": '"},"version":7'}
        path.redis.rpush(keys.DLQ, json.dumps(letter))
        path.dead_letters.requeue()
        assert (writes_of(entry(path)), trace_of(entry(path))) == (counted, ""), writes
        persist(path, claim(path))
        assert exposed(path) == (0, 0)


def test_a_committed_write_settles_the_entry_that_it_replaces(path: WritePath) -> None:
    for _ in range(3):
        path.update(SEED)
    path.update(SEED, policy="write_through")
    # The entry that will be flushed without effect still counts as one.
    assert exposed(path) == (1, 1)
    persist(path, claim(path))
    assert exposed(path) == (0, 0)


def test_a_committed_write_hides_no_claim_that_it_replaces(path: WritePath) -> None:
    path.update(SEED)
    path.update(SEED)
    held = claim(path)
    path.update(SEED, policy="write_through")
    path.update(SEED)
    persist(path, held)
    assert exposed(path) == (2, 1)
    persist(path, claim(path))
    assert exposed(path) == (0, 0)


def test_the_age_is_that_of_the_oldest_write(open_path: OpenPath) -> None:
    path = open_path(write_coalescing_enabled=False)
    path.update(SEED)
    first = as_bytes(path.redis.hget(keys.PENDING, SEED))
    queued_at = json.loads(first)["queued_at"]
    older = first.replace(b'"queued_at":%d' % queued_at, b'"queued_at":%d' % (queued_at - 5_000_000))
    path.redis.hset(keys.PENDING, SEED, older)
    # Behind the newest entry of its product.
    path.update(SEED)
    assert 5 <= path.queue().exposed.seconds < 60
    path.buffer.claim(path.settings)
    assert 5 <= path.queue().exposed.seconds < 60


def test_a_claim_that_was_replaced_is_as_old_as_its_claim(path: WritePath) -> None:
    path.update(SEED)
    held = claim(path)
    path.update(SEED)
    queued_at = json.loads(entry(path))["queued_at"]
    later = entry(path).replace(b'"queued_at":%d' % queued_at, b'"queued_at":%d' % (queued_at + 50_000))
    path.redis.hset(keys.PENDING, SEED, later)
    path.redis.zadd(keys.INFLIGHT, {SEED: held.token - 4_000_000})
    assert 4 <= path.queue().exposed.seconds < 60
