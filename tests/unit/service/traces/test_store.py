"""The trace store: bounded, shared, and never in the way."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.traces.store import TraceStore
from tests.spans import event, link, request, span, trace_id

FILE = "traces.sqlite3"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TraceStore]:
    with closing(TraceStore(tmp_path)) as own:
        yield own


def test_a_trace_has_its_spans_in_the_order_of_their_start(store: TraceStore) -> None:
    root = span(at_us=0)
    child = span("EVALSHA write", below=root, at_us=5)
    store.add([child, span(trace=2)])
    store.add([root])
    assert store.trace(root.trace_id) == ([root, child], [])


def test_an_unknown_trace_is_empty(store: TraceStore) -> None:
    assert store.trace(trace_id(7)) == ([], [])


def test_a_span_that_comes_twice_is_kept_once(store: TraceStore) -> None:
    root = request("p", 1, trace=1)
    store.add([root])
    store.add([root])
    assert store.trace(root.trace_id) == ([root], [])
    assert store.newest(10) == [root]


def test_what_is_linked_comes_with_all_above_and_below_it(store: TraceStore) -> None:
    write, other = request("p", 1, trace=1), request("q", 2, trace=2)
    job = span("rq.job flush", trace=3, at_us=10)
    flush = span("flush", below=job, links=(link(write),), at_us=20)
    claim, upsert = (span(name, below=flush, at_us=30) for name in ("claim", "upsert products"))
    unrelated = span("flush", below=job, links=(link(other),), at_us=40)
    store.add([write, other, claim, upsert, flush, unrelated, job])
    assert store.trace(write.trace_id) == ([write], [job, flush, claim, upsert])
    assert store.about("p") == [write, job, flush, claim, upsert]


def test_a_failed_attempt_is_found_by_the_writes_trace(store: TraceStore) -> None:
    write = request("p", 1, trace=1)
    flush = span("flush", trace=2, events=(event("retry", write),))
    store.add([write, flush])
    assert store.trace(write.trace_id) == ([write], [flush])


def test_parents_in_a_circle_end(store: TraceStore) -> None:
    one = span(trace=1, links=(link(request("p", 1, trace=9)),))
    two = span(below=one)
    store.add([span(below=two, span_id=one.span_id, links=tuple(one.links)), two])
    assert len(store.about("p")) == 2


def test_the_newest_writes_come_first_and_may_be_of_one_product(store: TraceStore) -> None:
    writes = [request(product, n, trace=n) for n, product in enumerate("pqp", 1)]
    store.add([*writes, span("GET /products", trace=9, kind="server")])
    assert store.newest(2) == writes[:0:-1]
    assert store.newest(5, "p") == [writes[2], writes[0]]


def test_the_newest_write_is_that_of_the_newest_version(store: TraceStore) -> None:
    """Two requests overlap, and their spans arrive in another order than that in which Redis took them."""
    newest = request("p", 9, trace=1, at_us=20)
    older = request("p", 8, trace=2, at_us=21)
    oldest = request("p", 7, trace=3, at_us=5)
    other = request("q", 99, trace=4, at_us=10)
    store.add([newest, oldest, other, older])
    assert store.newest(1) == store.newest(1, "p") == [newest]
    assert store.newest(9, "p") == [newest, older, oldest]
    assert store.newest(9) == [newest, older, other, oldest]


def test_a_write_without_a_version_has_its_place_by_time(store: TraceStore) -> None:
    first, second = (request("p", n, trace=n, at_us=10 * n) for n in (1, 2))
    refused = request("p", 0, trace=3, status=503, at_us=30)
    store.add([refused, second, first])
    assert store.newest(9, "p") == [refused, second, first]


def test_any_attributes_can_be_ordered(store: TraceStore) -> None:
    odd = request("p", 1, trace=1, attributes={"lab.product.id": ["p"], "lab.write.version": "x"})
    odder = request("p", 1, trace=2, attributes={"lab.product.id": ["p"]}, at_us=1)
    store.add([odder, odd])
    assert store.newest(9) == [odder, odd]


def test_processes_share_it(store: TraceStore, tmp_path: Path) -> None:
    with closing(TraceStore(tmp_path)) as other:
        other.add([span(trace=1)])
        store.add([span(trace=1)])
        assert len(other.trace(trace_id(1))[0]) == len(store.trace(trace_id(1))[0]) == 2


def test_it_is_bounded_in_size_and_keeps_the_newest(tmp_path: Path) -> None:
    limit = 4 * 1024 * 1024
    with closing(TraceStore(tmp_path, max_bytes=limit)) as store:
        for batch in range(30):
            spans = [request(f"p-{n}", n + 1, trace=1000 * batch + n + 1) for n in range(1000)]
            store.add(spans)
        assert store.newest(1) == [spans[-1]]
        assert store.trace(trace_id(1)) == ([], [])
    assert (tmp_path / FILE).stat().st_size <= 1.25 * limit


def test_it_is_bounded_in_age(tmp_path: Path) -> None:
    with closing(TraceStore(tmp_path)) as store:
        store.add([request("p", 1, trace=1)])
    with closing(TraceStore(tmp_path, max_age_s=-1)) as store:
        store.add([request("p", 2, trace=2)])
        assert [write.trace_id for write in store.newest(5)] == [trace_id(2)]
        assert store.about("p") == store.newest(5)


def test_a_file_that_is_not_a_database_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).write_bytes(b"not a database" * 1000)
    with closing(TraceStore(tmp_path)) as store:
        store.add([span(trace=1)])
        assert len(store.trace(trace_id(1))[0]) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_file_that_breaks_is_replaced_for_all_processes(tmp_path: Path) -> None:
    with closing(TraceStore(tmp_path)) as one, closing(TraceStore(tmp_path)) as two:
        one.add([span(trace=1)])
        two.add([span(trace=2)])
        for path in tmp_path.iterdir():
            path.unlink()
        two.add([span(trace=3)])
        one.add([span(trace=3)])
        assert len(two.trace(trace_id(3))[0]) == 2


def test_a_full_disk_costs_spans_and_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # The file is at its hard limit at once: SQLite says the same of a full disk.
    with caplog.at_level(logging.WARNING), closing(TraceStore(tmp_path, max_bytes=16 * 4096)) as store:
        for _ in range(3):
            store.add([request(f"p-{n}", n, trace=n) for n in range(1, 5000)])
    (record,) = caplog.records
    assert "traces can't be kept, and are dropped" in record.getMessage()
    assert "full" in record.getMessage()


def test_a_directory_that_cannot_be_written_costs_spans(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with closing(TraceStore(tmp_path / "file")) as store:
        store.add([span()])
        with pytest.raises(sqlite3.Error):
            store.trace(trace_id(1))
    assert len(caplog.records) == 1


def test_a_product_id_that_is_no_text_is_not_looked_for(store: TraceStore) -> None:
    junk = span(trace=1, attributes={"lab.product.id": ["p"]})
    store.add([junk])
    assert store.trace(junk.trace_id) == ([junk], [])


def test_another_process_that_holds_the_lock_costs_spans_not_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(TraceStore(tmp_path)) as store, closing(sqlite3.connect(tmp_path / FILE)) as holder:
        store.add([span(trace=1)])
        holder.execute("BEGIN IMMEDIATE")
        store.add([span(trace=2)])
        holder.rollback()
        assert store.trace(trace_id(2)) == ([], [])
    assert "locked" in caplog.text


def test_without_a_directory_it_is_in_memory() -> None:
    with closing(TraceStore(None)) as store:
        store.add([span(trace=1)])
        assert len(store.trace(trace_id(1))[0]) == 1
