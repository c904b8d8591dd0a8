"""What is told of a product, for every way in which a write can end."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from scenarios.life.facts import LossFacts, ProductFacts, RunFacts, WriteFacts
from scenarios.life.story import Story, tell
from scenarios.life.wording import Ordinals
from service.traces.life import Now, TracedWrite
from tests.unit.scenarios.life.spans import BEGAN_US
from tests.unit.scenarios.life.traced import traced

_MS = 1000
#: Versions are µs of the clock of Redis.
V1, V2 = BEGAN_US, BEGAN_US + 80 * _MS


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _traced(version: int | None = V1, **known: Any) -> TracedWrite:
    return traced(version, BEGAN_US, **known)


def _committed(version: int = V1, **known: Any) -> TracedWrite:
    claimed = {"claimed_at_us": BEGAN_US + 503 * _MS, "committed_at_us": BEGAN_US + 509 * _MS}
    return _traced(version, **{"worker": "w-2", "attempts": 1, **claimed, **known})


def _write(version: int | None = V1, *, fate: Any = None, after_ms: int = 0, **known: Any) -> WriteFacts:
    at = BEGAN_US + after_ms * _MS
    content: dict[str, Any] = {"operation": "update", "answer": "acknowledged", "detail": ""}
    return WriteFacts(version=version, sent_us=at - 2 * _MS, answered_us=at, fate=fate, **(content | known))


def _story(*writes: WriteFacts, now: Now | None = None, run: RunFacts | None = None, **more: Any) -> Story:
    return tell(ProductFacts(product="p", writes=writes, run=run, now=now, **more))


def _run(**known: Any) -> RunFacts:
    return RunFacts(run="r", judged=True, **known)


def _first(*writes: WriteFacts, **more: Any) -> str:
    return _story(*writes, **more).writes[0].text


def test_the_whole_of_it() -> None:
    old = _write(fate="superseded", traced=_traced(outcome="superseded", superseded_by=V2))
    new = _write(V2, after_ms=80, fate="persisted", traced=_committed(V2, acknowledged_at_us=V2))
    story = _story(old, new, run=_run(row=V2), now=Now(row_version=V2, row_deleted=False))
    assert story.about == "p: 2 writes known. The run is r. Times are UTC."
    assert [told.text for told in story.writes] == [
        f"Version 1 ({V1}), an update, was acknowledged at 12:00:01.204, 2 ms after it was sent. "
        "Version 2 replaced it 80 ms after Redis had taken it, before any flush had claimed it. Version 1 "
        "never reached PostgreSQL and never had to.",
        f"Version 2 ({V2}), an update, was acknowledged at 12:00:01.284, 2 ms after it was sent. "
        "Worker w-2 claimed it 423 ms later, and committed it 6 ms after that: it is in PostgreSQL.",
    ]
    assert [(told.ordinal, told.version, told.fate) for told in story.writes] == [
        (1, V1, "superseded"),
        (2, V2, "persisted"),
    ]
    assert story.end == ("The row now holds version 2.", "No write of it waits in Redis.")


def test_a_write_that_was_replaced_before_it_was_acknowledged() -> None:
    old = _write(V1, after_ms=9, traced=_traced(outcome="superseded", superseded_by=V1 + 147))
    assert _first(old).endswith(
        " replaced it 147 µs after Redis had taken it, before it was acknowledged and before any flush had "
        "claimed it."
    )
    # The clocks do not agree well enough to tell.
    at_once = _write(V1, traced=_traced(outcome="superseded", superseded_by=V1 + 147, claimed_at_us=V1))
    assert _first(at_once).endswith(" replaced it 147 µs after Redis had taken it.")


def test_lost_with_the_memory_of_redis() -> None:
    loss = LossFacts(last_seen_us=BEGAN_US + 895 * _MS, gone_us=BEGAN_US + 905 * _MS, fault="redis:flushall")
    write = _write(fate="lost", crash=1, traced=_traced(outcome="lost"))
    text = _first(write, run=_run(losses=(loss,)))
    assert text.endswith(
        "Redis was emptied by FLUSHALL 0.9 s later. No flush is known to have claimed it, and nothing but "
        "Redis held it: it is lost."
    )


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ((100, 400), "Redis lost its memory 100 ms to 400 ms later."),
        ((-100, 400), "Redis lost its memory within 400 ms."),
    ],
)
def test_a_loss_is_no_more_exact_than_it_was_seen(loss: tuple[int, int], told: str) -> None:
    first, last = (BEGAN_US + at * _MS for at in loss)
    write = _write(fate="lost", crash=1, overwritten_later=True)
    text = _first(write, run=_run(losses=(LossFacts(last_seen_us=first, gone_us=last),)))
    assert told in text
    assert "PostgreSQL had neither it nor a write that replaced it" in text
    assert text.endswith("That does not bring this one back.")


@pytest.mark.parametrize(
    ("write", "told"),
    [
        pytest.param(
            _write(fate="persisted", traced=_committed(attempts=3)),
            "After 2 failed attempts, worker w-2 claimed it 503 ms later",
            id="retried",
        ),
        pytest.param(
            _write(fate="persisted", traced=_traced(outcome="written through")),
            "It was written through: PostgreSQL had it before it was acknowledged.",
            id="written through",
        ),
        pytest.param(
            _write(fate="persisted", seen_us=BEGAN_US + 610 * _MS),
            "A look at PostgreSQL 0.6 s later found it, or a newer version, there: it is in PostgreSQL.",
            id="seen by a poll",
        ),
        pytest.param(_write(fate="persisted"), "when it got there was not seen", id="persisted, untraced"),
        pytest.param(
            _write(fate="superseded"),
            "A newer version replaced it. Whether it was in PostgreSQL before that is not known",
            id="superseded, untraced",
        ),
        pytest.param(
            _write(fate="superseded", traced=_committed()),
            "committed it 6 ms after that. A newer version replaced it afterwards.",
            id="superseded in the row",
        ),
        pytest.param(
            _write(
                fate="dead_lettered",
                traced=_traced(outcome="dead-lettered", attempts=4, error="value too long\nDETAIL: x"),
            ),
            "it became a dead letter after 4 attempts (value too long).",
            id="dead letter",
        ),
        pytest.param(_write(fate="dead_lettered"), "The journal does not say why.", id="dead, untraced"),
        pytest.param(
            _write(traced=_traced(outcome="dead-lettered")),
            "Its trace does not say why.",
            id="dead, no flush",
        ),
        pytest.param(
            _write(fate="dead_lettered", traced=_committed()),
            "Later, after the run, it reached PostgreSQL: worker w-2 claimed it",
            id="requeued later",
        ),
        pytest.param(_write(fate="pending"), "safe in Redis: it was pending", id="pending"),
        pytest.param(_write(traced=_traced(outcome="accepted")), "It waits in the queue.", id="queued"),
        pytest.param(_write(traced=_traced(outcome="in flight")), "A worker has claimed it", id="in flight"),
        pytest.param(
            _write(traced=_traced(outcome="retrying", error="no connection")),
            "It waits for the next attempt. The last attempt failed: no connection.",
            id="retrying",
        ),
        pytest.param(
            _write(traced=_traced(outcome="unknown")), "What became of it is not known.", id="unknown"
        ),
        pytest.param(
            _write(fate="undetermined", why="rows: no connection"),
            "What became of it is not known: rows: no connection.",
            id="undetermined",
        ),
        pytest.param(
            _write(fate="lost", traced=_traced(outcome="lost", claimed_at_us=V2, worker="w-1")),
            "Worker w-1 had claimed it, and no commit of it is known: it is lost.",
            id="lost though claimed",
        ),
    ],
)
def test_what_became_of_an_acknowledged_write(write: WriteFacts, told: str) -> None:
    assert told in _first(write)


def test_a_write_that_was_refused() -> None:
    write = _write(None, answer="refused", detail='503: {"title": "Full", "detail": "100000 writes wait"}')
    assert _first(write) == (
        "An update at 12:00:01.202 was refused (503: Full: 100000 writes wait). Nothing was stored."
    )


def test_a_write_without_an_answer() -> None:
    write = _write(None, answer="unknown", detail="ReadTimeout: timed out")
    begin = "An update at 12:00:01.202 was not acknowledged (ReadTimeout: timed out): whether it was taken"
    assert _first(write).startswith(begin)
    assert "not a loss: nothing had been promised" in _first(write, run=_run())
    assert "not a loss" not in _first(write, run=_run(row_unread="no connection"))
    recovered = _write(None, answer="unknown", recovered=True)
    assert _first(recovered).endswith("The row holds its value: it was taken after all.")
    traced = _write(None, answer="unknown", traced=_traced(V1))
    assert _first(traced, _write(V1)).endswith("Its trace says that it was taken, as version 1.")


def test_a_row_that_is_newer_than_an_untraced_write() -> None:
    text = _first(_write(fate="superseded"), _write(V2, fate="persisted"), run=_run(row=V2))
    assert "Newer writes replaced it, up to version 2. Whether it was" in text


def test_a_dead_letter_of_a_newer_write() -> None:
    run = _run(dead_letters=(V2,))
    text = _first(_write(fate="dead_lettered"), _write(V2, fate="dead_lettered"), run=run)
    assert text.endswith("Version 2 replaced it, and that is a dead letter.")


def test_many_writes_are_told_together() -> None:
    writes = [_write(V1 + n, fate="superseded", after_ms=n) for n in range(40)]
    writes[20] = _write(V1 + 20, fate="lost", after_ms=20)
    story = _story(*writes, _write(V1 + 40, fate="persisted", after_ms=40))
    assert [told.ordinal for told in story.writes] == [1, 2, 3, None, 21, None, 37, 38, 39, 40, 41]
    assert story.writes[3].text == (
        "Versions 4 to 20 were acknowledged from 12:00:01.207 to 12:00:01.223. Each was replaced by a newer "
        "one."
    )


@pytest.mark.parametrize(
    ("now", "unread", "told"),
    [
        (Now(), (), ["PostgreSQL has no row for it now.", "No write of it waits in Redis."]),
        (Now(), ("postgres", "redis"), ["The row can't be read now.", "What Redis holds can't be read now."]),
        (
            Now(row_version=V2, row_deleted=True),
            ("redis",),
            [
                "The row now holds version 2: it is deleted.",
                "What Redis holds can't be read now.",
            ],
        ),
        (
            Now(row_version=7, pending_version=V2, inflight=True),
            (),
            [
                "The row now holds version 7, which neither the run nor a trace mentions.",
                "Version 2 is being written to PostgreSQL.",
            ],
        ),
    ],
)
def test_where_it_is_now(now: Now, unread: tuple[str, ...], told: list[str]) -> None:
    writes = [_write(version, fate="persisted", traced=_committed(version)) for version in (V1, V2)]
    assert list(_story(*writes, now=now, unread=unread).end) == told


def test_a_dead_letter_that_is_kept() -> None:
    assert "dlq requeue" in _story(_write(), now=Now(dead_lettered=True)).end[1]


def test_without_the_api_it_says_what_is_not_known() -> None:
    story = _story(_write(fate="persisted"), run=_run(row=V1), unasked="The lab does not run")
    assert story.end == (
        "When the run ended, its row held version 1.",
        "The lab does not run, so there are no traces: claims and commits are not known.",
    )


def test_a_product_that_no_run_wrote() -> None:
    story = _story(now=Now(row_version=1))
    assert story.about == "No write of p is known: no recorded run made one, and no trace of one is left."
    assert story.end == ("The row now holds version 1.", "No write of it waits in Redis.")


def test_a_run_that_wrote_another_product() -> None:
    assert _story(run=_run()).about == "r did not write p, and no trace of a write is left."


@pytest.mark.parametrize(("name", "told"), [("CET-1", "CET"), ("<+04>-4", "UTC+04")])
def test_the_time_zone_is_named(monkeypatch: pytest.MonkeyPatch, name: str, told: str) -> None:
    monkeypatch.setenv("TZ", name)
    time.tzset()
    assert _story(_write()).about == f"p: 1 write known. Times are {told}."


def test_a_run_that_was_cut_off() -> None:
    run = RunFacts(run="r", judged=False)
    assert "The run has not been judged" in _story(_write(), run=run).end[0]


def test_a_version_that_no_write_has_keeps_its_number() -> None:
    assert Ordinals({5: 1}).full(5) == "version 1 (5)"
    assert Ordinals({5: 1}).full(6) == Ordinals({5: 1}).name(6) == "version 6"
