"""The trace context of a write travels in its entry, and tells which write it replaced. On a real Redis."""

import json
from typing import Any

from service.writebehind import keys
from service.writebehind.entry import Product, trace_of
from service.writebehind.scripts.writing import Superseded
from tests.entries import SEED, TRACES, claim, entry, writes_of
from tests.write_path import WritePath


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
