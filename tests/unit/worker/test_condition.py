"""The state of a worker: since when, and what is reported at once."""

import json
from typing import Any

import pytest

from service.writebehind.workers import Blocker
from worker.condition import Condition

PSQL = Blocker(4711, "psql", "LOCK TABLE products")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def condition(clock: Clock) -> Condition:
    return Condition(clock)


def said(condition: Condition) -> dict[str, Any]:
    return dict(json.loads(condition.document({"pid": 1})))


def test_a_document_holds_the_facts_and_the_state(condition: Condition) -> None:
    assert said(condition) == {
        "pid": 1, "state": "idle", "reason": "", "code": "", "blocked_by": [], "for_ms": 0,
    }  # fmt: skip


def test_a_state_lasts_while_its_reason_changes(condition: Condition, clock: Clock) -> None:
    condition.become("paused", "no route", "unavailable")
    clock.now += 2
    condition.become("paused", "refused", "unavailable")
    assert (said(condition)["for_ms"], said(condition)["reason"]) == (2000, "refused")
    condition.become("flushing")
    assert said(condition)["for_ms"] == 0


def test_a_trouble_stays_until_something_was_written(condition: Condition) -> None:
    condition.become("paused", "no route", "unavailable")
    condition.begin()
    condition.end()
    condition.rest()
    assert said(condition)["state"] == "paused"
    condition.become("flushing")
    condition.rest()
    assert said(condition)["state"] == "idle"


def test_a_hold_up_is_reported_only_for_the_statement_that_hangs(condition: Condition, clock: Clock) -> None:
    condition.begin()
    statement, _ = condition.running_for()
    assert statement is not None
    clock.now += 1
    assert condition.running_for() == (statement, 1.0)
    condition.end()
    condition.become("flushing")
    condition.hold_up(statement, "blocked", "waits", (PSQL,))
    assert condition.report.state == "flushing"
    condition.begin()
    again, _ = condition.running_for()
    assert again is not None
    condition.hold_up(again, "blocked", "waits", (PSQL,))
    assert said(condition)["blocked_by"] == [
        {"pid": 4711, "application": "psql", "query": "LOCK TABLE products"}
    ]


def test_who_blocks_stays_known_across_attempts(condition: Condition, clock: Clock) -> None:
    condition.begin()
    statement, _ = condition.running_for()
    assert statement is not None
    condition.hold_up(statement, "blocked", "waits for pid 4711", (PSQL,))
    clock.now += 3
    condition.end()
    condition.blocked("lock timeout")
    condition.begin()
    assert (condition.report.reason, condition.report.blocked_by) == ("waits for pid 4711", (PSQL,))
    assert said(condition)["for_ms"] == 3000


def test_a_stopping_worker_does_nothing_else(condition: Condition) -> None:
    condition.become("stopping")
    condition.become("flushing")
    condition.begin()
    condition.blocked("lock timeout")
    assert condition.report.state == "stopping"


def test_only_lasting_conditions_are_logged_at_once(condition: Condition) -> None:
    condition.become("flushing")
    condition.become("idle")
    condition.become("flushing")
    assert not condition.changed.is_set()
    condition.become("paused", "no route", "unavailable")
    assert condition.changed.is_set()
    condition.changed.clear()
    condition.become("paused", "no route", "unavailable")
    assert not condition.changed.is_set()
    condition.become("flushing")
    assert condition.changed.is_set()


def test_a_note_explains_what_goes_on_nevertheless(condition: Condition) -> None:
    condition.note = ("Redis is full", "full")
    assert (said(condition)["state"], said(condition)["code"]) == ("idle", "full")
    condition.become("paused", "no route", "unavailable")
    assert said(condition)["reason"] == "no route"


def test_a_blocker_is_reported_with_what_is_known() -> None:
    assert str(PSQL) == "pid 4711 (psql: LOCK TABLE products)"
    assert str(Blocker(1, "", "")) == "pid 1"
    assert str(Blocker(1, "", "SELECT 1")) == "pid 1 (SELECT 1)"
