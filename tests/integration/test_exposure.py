"""What only Redis has: counted exactly, whatever becomes of the entries. On real Redis and PostgreSQL."""

import dataclasses
import json
from typing import Any, Final

import pytest

from service.writebehind import keys
from service.writebehind.entry import DeadLetter, Product, trace_of, writes_of
from service.writebehind.scripts.flushing import Claim
from service.writebehind.scripts.writing import Superseded
from tests.write_path import OpenPath, WritePath, as_bytes

TRACES: Final = [f"00-{'ab' * 15}{n:02x}-{'cd' * 8}-01" for n in range(10)]
SEED: Final = "seed-001"


def exposed(path: WritePath) -> tuple[int, int]:
    """Writes and products."""
    exposed = path.queue().exposed
    return exposed.writes, exposed.products


def entry(path: WritePath, product_id: str = SEED) -> bytes:
    return as_bytes(path.redis.hget(keys.PENDING, product_id))


def claim(path: WritePath) -> Claim:
    claim = path.buffer.claim(path.settings)
    assert claim.rows
    return claim


def persist(path: WritePath, claim: Claim) -> None:
    path.buffer.ack(claim, claim.rows, rows_written=path.store.write([row.entry for row in claim.rows]))


def give_up(path: WritePath, claim: Claim) -> None:
    letters = [DeadLetter.of(r.id, r.version, r.entry, error="e", attempts=1) for r in claim.rows]
    path.buffer.dead_letter(claim, letters)


# The count


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


# Keys that are gone


def test_nothing_is_exposed_after_flushall(path: WritePath) -> None:
    path.update(SEED)
    held = claim(path)
    path.redis.flushall()
    assert exposed(path) == (0, 0)
    path.update(SEED)
    persist(path, held)
    assert exposed(path) == (1, 1)


def test_entries_that_someone_deleted_are_not_exposed(path: WritePath) -> None:
    for _ in range(3):
        path.update(SEED)
    held = claim(path)
    path.redis.delete(keys.PENDING)
    assert exposed(path) == (0, 0)
    path.update(SEED)
    assert exposed(path) == (1, 1)
    persist(path, held)
    assert exposed(path) == (1, 1)
    persist(path, claim(path))
    assert exposed(path) == (0, 0)


def test_every_entry_counts_though_someone_deleted_the_totals(path: WritePath) -> None:
    for _ in range(3):
        path.update(SEED)
    other = path.create()["id"]
    path.redis.delete(keys.TOTALS)
    assert exposed(path) == (2, 2)
    persist(path, claim(path))
    path.update(other)
    path.update(other)
    assert exposed(path) == (2, 1)


def test_a_count_that_holds_junk_is_right_again_once_nothing_is_pending(path: WritePath) -> None:
    for junk in ("", "junk", "9" * 30, "-1", "1.5"):
        path.update(SEED)
        path.redis.hset(keys.TOTALS, mapping={"accepted": junk, "settled": junk})
        path.update(SEED)
        assert path.queue().exposed.writes >= 1
        persist(path, claim(path))
        path.update(SEED)
        path.update(SEED)
        assert exposed(path) == (2, 1), junk
        persist(path, claim(path))


def test_an_entry_that_does_not_say_counts_as_one_write(path: WritePath) -> None:
    path.update(SEED)
    path.update(SEED)
    old = entry(path).replace(b',"writes":2', b"")
    path.redis.hset(keys.PENDING, SEED, old)
    assert writes_of(old) == 1
    held = claim(path)
    path.update(SEED)
    path.buffer.release(held, held.rows)
    assert writes_of(entry(path)) == 2
    persist(path, claim(path))
    assert exposed(path) == (0, 0)


# The oldest


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


# The trace context


def test_the_context_goes_with_the_entry_of_its_write(path: WritePath) -> None:
    path.update(SEED, traceparent=TRACES[0])
    path.update(SEED)
    assert trace_of(entry(path)) == ""
    written = path.writes.update(SEED, Product("n", 1.0, 1), traceparent=TRACES[1])
    held = claim(path)
    assert (trace_of(held.rows[0].entry), held.rows[0].version) == (TRACES[1], written.version)
    path.buffer.retry(held, [(held.rows[0], 2, 0.0)])
    again = claim(path).rows[0].entry
    assert (trace_of(again), writes_of(again), json.loads(again)["attempts"]) == (TRACES[1], 3, 2)


def test_a_traced_write_learns_which_one_it_replaced(path: WritePath) -> None:
    def update(trace: str) -> Any:
        return path.writes.update(SEED, Product("n", 1.0, 1), traceparent=trace)

    first = update(TRACES[0])
    assert (first.queued, first.superseded) == (True, None)
    second = update(TRACES[1])
    assert second.superseded == Superseded(first.version, TRACES[0])
    assert update("").superseded is None
    third = update(TRACES[2])
    assert third.superseded is not None
    assert third.superseded.traceparent == ""
    # What a worker writes is not replaced.
    claim(path)
    assert update(TRACES[3]).superseded is None


def test_a_committed_write_says_so(path: WritePath) -> None:
    written = path.writes.update(SEED, Product("n", 1.0, 1), policy="write_through", traceparent=TRACES[0])
    assert (written.queued, written.superseded) == (False, None)
    assert written.version == json.loads(written.body)["version"]


def test_a_context_that_is_none_is_left_out(path: WritePath) -> None:
    for junk in ('"},"x":1', "00-xyz", "00-" + "g" * 32, "\x00", TRACES[0] + "0"):
        path.update(SEED, traceparent=junk)
        assert b"traceparent" not in entry(path)
    path.flusher.run()
    path.assert_balanced()


def test_a_long_tail_is_read_whole(path: WritePath) -> None:
    """With everything that it can hold, at its longest."""
    path.update(SEED, traceparent=TRACES[0])
    held = claim(path)
    path.buffer.retry(held, [(held.rows[0], 10**9, 0.0)])
    last = entry(path).replace(b'"writes":1', b'"writes":999999999,"claimed":999999998')
    path.redis.hset(keys.PENDING, SEED, last)
    written = path.writes.update(SEED, Product("n", 1.0, 1), traceparent=TRACES[1])
    assert written.superseded == Superseded(json.loads(last)["version"], TRACES[0])
    assert writes_of(entry(path)) == 10**9
    assert path.read(SEED)["version"] == written.version
