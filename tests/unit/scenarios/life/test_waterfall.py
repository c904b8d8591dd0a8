"""A trace as rows, and the axis below them."""

import msgspec
import pytest

from scenarios.life.axis import axis
from scenarios.life.waterfall import Row, waterfall
from tests.unit.scenarios.life.spans import BEGAN_US, FLUSHED, OTHER, REQUEST, TRACE, event, span


def _row(start: int, end: int, *, busy: bool = True) -> Row:
    return Row(kind="span", what="x", start_us=start, end_us=end, busy=busy)


def test_request_wait_and_flush_in_the_order_of_time() -> None:
    shown = waterfall(TRACE, REQUEST, FLUSHED)
    assert [(row.depth, row.who, row.what) for row in shown.rows] == [
        (0, "labctl", "POST /products"),
        (1, "api", "POST /products"),
        (2, "", "EVALSHA write"),
        (0, "", "waits in the queue"),
        (0, "worker", "rq.job flush"),
        (1, "", "flush"),
        (2, "", "claim"),
        (2, "", "upsert products"),
        (2, "", "ack"),
    ]
    (wait,) = [row for row in shown.rows if row.kind == "wait"]
    assert (wait.start_us, wait.end_us) == (1300, 503_000)
    assert (shown.product, shown.version, shown.operation, shown.flushed) == ("p", 7, "create", True)
    assert shown.began_us == BEGAN_US


def test_a_write_that_was_replaced_in_the_queue() -> None:
    replaced = event(
        "superseded",
        80,
        **{"lab.superseded.version": 7, "lab.superseded.traceparent": f"00-{TRACE}-{'1' * 16}-01"},
    )
    newer = span(
        "PUT /products/{id}",
        2,
        1,
        (79, 82),
        "write-behind-api",
        "server",
        trace=OTHER,
        attributes={"lab.write.version": 8},
        events=[replaced],
    )
    shown = waterfall(TRACE, REQUEST, [newer])
    assert shown.replaced_by == (8, OTHER)
    assert not shown.flushed
    assert [(row.what, row.start_us, row.end_us) for row in shown.rows[3:]] == [
        ("waits in the queue", 1300, 80_000),
        ("replaced by 8", 80_000, 80_000),
    ]


@pytest.mark.parametrize("junk", ["7", [7], 1.5, None])
def test_spans_that_say_anything(junk: object) -> None:
    strange = {"lab.product.id": junk, "lab.write.version": junk, "http.response.status_code": junk}
    replaced = event("superseded", 80, **{"lab.superseded.traceparent": f"00-{TRACE}-{'1' * 16}-01"})
    write, newer = (
        span("PUT", 2, None, (0, 2), "api", "server", trace=trace, attributes=strange, events=[replaced])
        for trace in (TRACE, OTHER)
    )
    shown = waterfall(TRACE, [write], [newer])
    assert (shown.version, shown.replaced_by) == (None, (0, OTHER))


def test_events_of_other_writes_in_the_same_flush_are_left_out() -> None:
    mine, others = (
        event("retry", 505, **{"lab.product.id": product, "lab.write.version": 7, "exception.message": "no"})
        for product in ("p", "q")
    )
    flush = msgspec.structs.replace(FLUSHED[1], events=[mine, others])
    shown = waterfall(TRACE, REQUEST, [FLUSHED[0], flush, *FLUSHED[2:]])
    assert [row.what for row in shown.rows if row.kind == "event"] == ["retry: no"]
    assert [row.what for row in shown.rows[-4:]] == ["claim", "upsert products", "retry: no", "ack"]


def test_a_refused_write_waits_for_nothing() -> None:
    server = msgspec.structs.replace(
        REQUEST[1], attributes={"http.response.status_code": 503}, status="error"
    )
    rows = waterfall(TRACE, [REQUEST[0], server], []).rows
    assert [(row.kind, row.failed) for row in rows] == [("span", False), ("span", True)]


def test_a_trace_whose_spans_are_gone() -> None:
    assert waterfall(TRACE, [], []).rows == ()
    assert axis([], 40).column(0) == 0


def test_what_fits_is_drawn_to_scale() -> None:
    scale = axis([_row(0, 10), _row(15, 40)], 40)
    assert [scale.column(at) for at in (-5, 0, 10, 20, 40, 90)] == [0, 0, 10, 20, 40, 40]
    assert scale.left_out_us == 0


def test_a_wait_that_is_longer_than_all_the_work_is_broken() -> None:
    scale = axis([_row(0, 10), _row(1010, 1020)], 44)
    assert [scale.column(at) for at in (0, 10, 1010, 1020)] == [0, 20, 24, 44]
    assert scale.left_out_us == 1000


def test_of_many_waits_only_the_longest_are_broken() -> None:
    rows, at = [], 0
    for number in range(20):
        rows.append(_row(at, at + 1))
        at += 100 + number
    scale = axis(rows, 40)
    assert [number for number, one in enumerate(scale.stretches) if one.broken] == [29, 31, 33, 35, 37]
    assert scale.stretches[-1].last == pytest.approx(40)


def test_the_time_in_which_a_job_only_waits_counts_as_a_wait() -> None:
    scale = axis([_row(-50, 5000, busy=False), _row(0, 10), _row(1010, 1020)], 44)
    assert scale.left_out_us == 1000
    assert scale.column(5000) == 44
