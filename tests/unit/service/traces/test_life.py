"""What became of a write: every outcome, and none that claims more than is known."""

from typing import Any

import pytest

from service.traces.life import Now, TracedWrite, life_of
from service.traces.spans import Span, SpanEvent, SpanLink
from tests.spans import event, link, request, span

WRITE = request("p", 5, trace=1)
EMPTY = Now(queued=False, inflight=False, retrying=False, dead_lettered=False, row_deleted=False)


def now(**changes: Any) -> Now:
    return Now(**{**{f: getattr(EMPTY, f) for f in EMPTY.__struct_fields__}, **changes})


def told(*spans: Span, at: Now = EMPTY, unread: tuple[Any, ...] = ()) -> TracedWrite:
    """What is told of the first write."""
    return life_of("p", spans, at, unread).writes[0]


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (now(queued=True, pending_version=5), "accepted"),
        (now(inflight=True, pending_version=5), "in flight"),
        (now(retrying=True, pending_version=5), "retrying"),
        (now(row_version=5), "persisted"),
        (now(queued=True, pending_version=6, backlog_versions=[5]), "accepted"),
        (now(inflight=True, queued=True, pending_version=6, backlog_versions=[5]), "in flight"),
        (now(retrying=True, pending_version=6, backlog_versions=[5]), "retrying"),
        # A worker has an older one in hand.
        (now(inflight=True, queued=True, pending_version=5), "accepted"),
        (now(inflight=True, queued=True, pending_version=5, backlog_versions=[4]), "accepted"),
        (now(inflight=True, queued=True, pending_version=6, backlog_versions=[4, 5]), "accepted"),
        (now(retrying=True, pending_version=5, backlog_versions=[4]), "accepted"),
        # Neither in Redis nor in the row.
        (EMPTY, "lost"),
        (now(row_version=4), "lost"),
        # A newer one is there: nothing says whether it replaced this one in the queue.
        (now(row_version=6), "unknown"),
        (now(queued=True, pending_version=6), "unknown"),
        # As with any other newer one, it is not known whether the dead letter's replaced this one.
        (now(dead_lettered=True, dead_letter_versions=[6]), "unknown"),
        (now(dead_lettered=True, dead_letter_versions=[4]), "lost"),
        (now(dead_lettered=True, dead_letter_versions=[4, 5]), "dead-lettered"),
        (now(dead_lettered=True, dead_letter_versions=[5], queued=True, pending_version=6), "dead-lettered"),
    ],
)
def test_without_a_workers_spans_it_is_told_from_where_it_is(at: Now, outcome: str) -> None:
    assert told(WRITE, at=at).outcome == outcome


def test_what_could_not_be_read_is_not_lost() -> None:
    assert told(WRITE, at=Now(), unread=("redis",)).outcome == "unknown"
    assert told(WRITE, unread=("dead letters",)).outcome == "unknown"


def test_a_persisted_write_has_its_whole_way() -> None:
    client = span("POST /products", kind="client", trace=1, at_us=-50)
    write = request("p", 5, trace=1, below=client)
    job = span("rq.job flush", trace=2)
    flush = span(
        "flush",
        below=job,
        links=(link(write, **{"lab.write.committed_us": 77}),),
        attributes={"lab.worker.name": "w-1"},
    )
    claim = span("claim", below=flush, at_us=40)
    # What is there now does not matter: it may be deleted since.
    write_told = told(client, write, job, flush, claim)
    assert write_told.outcome == "persisted"
    assert (write_told.sent_at_us, write_told.received_at_us) == (client.start_us, write.start_us)
    assert write_told.acknowledged_at_us == write.end_us
    assert (write_told.claimed_at_us, write_told.committed_at_us) == (claim.end_us, 77)
    assert (write_told.worker, write_told.attempts) == ("w-1", 1)


def test_a_superseded_write_names_its_successor() -> None:
    replaced = SpanEvent("superseded", 1, {"lab.superseded.version": 5})
    newer = request("p", 6, trace=2, events=(replaced,))
    at = now(row_version=6)
    assert [(w.outcome, w.superseded_by) for w in life_of("p", [WRITE, newer], at, ()).writes] == [
        ("superseded", 6),
        ("persisted", None),
    ]


def test_a_dead_letter_has_its_attempts_and_its_error() -> None:
    error = {"exception_message": "no such luck"}
    retry = span("flush", trace=2, events=(event("retry", WRITE, **error),))
    letter = span("flush", trace=3, events=(event("dead_letter", WRITE, **error),), at_us=100)
    dead = told(WRITE, retry, letter, at=now(dead_lettered=True, dead_letter_versions=[5]))
    assert (dead.outcome, dead.attempts, dead.error) == ("dead-lettered", 2, "no such luck")
    again = span("flush", trace=4, links=(link(WRITE),), at_us=200)
    requeued = told(WRITE, retry, letter, again, at=now(row_version=5))
    assert (requeued.outcome, requeued.attempts, requeued.error) == ("persisted", 3, "")


def test_a_dropped_dead_letter_is_lost() -> None:
    letter = span("flush", trace=3, events=(event("dead_letter", WRITE),))
    assert told(WRITE, letter).outcome == "lost"
    # One of an older version is still there.
    assert told(WRITE, letter, at=now(dead_lettered=True, dead_letter_versions=[4])).outcome == "lost"
    assert told(WRITE, letter, at=Now(), unread=("redis",)).outcome == "unknown"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(503, "refused"), (422, "refused"), (504, "unknown"), (500, "unknown"), (0, "unknown")],
)
def test_a_write_that_was_not_acknowledged(status: int, outcome: str) -> None:
    write = request("p", 0, trace=1, status=status, attributes={"lab.write.error": "Redis is full"})
    assert (told(write).outcome, told(write).version, told(write).error) == (outcome, None, "Redis is full")


def test_a_write_through_is_committed_by_its_own_request() -> None:
    write = request("p", 5, trace=1, attributes={"lab.write.policy": "write_through"})
    upsert = span("upsert products", below=write, at_us=3)
    # A later write may have replaced it.
    through = told(write, upsert, at=now(row_version=9))
    assert (through.outcome, through.committed_at_us) == ("written through", upsert.end_us)


@pytest.mark.parametrize("junk", ["7", "x", [7], {"a": 7}, 7.5, True, -7, None], ids=str)
def test_attributes_that_are_junk_tell_nothing(junk: Any) -> None:
    """Spans come from anyone who can reach the API."""
    names = ("lab.write.version", "http.response.status_code")
    write = request("p", 0, trace=1, attributes=dict.fromkeys(names, junk))
    replaced = SpanEvent("superseded", 1, {"lab.superseded.version": junk})
    flush = span("flush", trace=2, links=(SpanLink(write.trace_id, write.span_id, write.attributes),))
    late = span("flush", trace=3, links=(link(WRITE, **{"lab.write.committed_us": junk}),))
    life = life_of("p", [write, request("p", 6, trace=4, events=(replaced,)), flush, WRITE, late], EMPTY, ())
    assert [(w.version, w.status, w.outcome) for w in life.writes] == [
        (None, 0, "unknown"), (6, 201, "lost"), (5, 201, "persisted"),
    ]  # fmt: skip
    assert life.writes[-1].committed_at_us == late.end_us
    assert (
        life_of("p", [request("p", 1, trace=1, attributes={"lab.write.operation": junk})], EMPTY, ()).writes
        == []
    )


def test_another_products_flush_tells_nothing() -> None:
    other = request("q", 5, trace=3)
    flush = span("flush", trace=2, links=(link(other),))
    assert told(WRITE, flush).outcome == "lost"
