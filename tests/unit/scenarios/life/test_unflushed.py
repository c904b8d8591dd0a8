"""What is said of a write that no flush is known to have taken."""

import pytest

from scenarios.life.unflushed import unflushed
from service.traces.life import Now, life_of
from tests.spans import request


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (Now(), "neither Redis nor PostgreSQL holds it: it is lost."),
        (Now(queued=True, pending_version=7), "it waits in the queue."),
        (Now(inflight=True, pending_version=7), "A worker has claimed it and is writing it."),
        (Now(retrying=True, pending_version=7), "It waits for the next attempt."),
        (Now(row_version=7), "It is in PostgreSQL, but the spans of the flush are not in the trace store"),
        (Now(row_version=9), "Version 9, which was not traced, replaced it, and is in PostgreSQL. Whether"),
        (
            Now(row_version=5, pending_version=9),
            "Version 9, which was not traced, replaced it, and is in Redis. Whether",
        ),
        (Now(row_version=8), "Version 8 replaced it, and is in PostgreSQL. Whether"),
        (
            Now(dead_lettered=True, dead_letter_versions=[8]),
            "either none took it, or its spans have not arrived yet.",
        ),
    ],
)
def test_what_is_known_now_is_said(now: Now, told: str) -> None:
    writes = [request("p", 7, trace=1), request("p", 8, trace=2, at_us=9)]
    assert told in unflushed(life_of("p", writes, now, []), 7)


def test_what_could_not_be_read_may_hold_it() -> None:
    told = "either none took it, or its spans have not arrived yet."
    assert told in unflushed(life_of("p", [request("p", 7, trace=1)], Now(), ["redis"]), 7)
    assert told in unflushed(None, 7)
