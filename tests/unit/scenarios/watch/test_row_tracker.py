"""Which rows are polled, and what is made of the answers."""

import pytest

from scenarios.judge.history import Poll, Sighting, SightingLog
from scenarios.judge.ledger import Ledger
from scenarios.watch import row_tracker
from scenarios.watch.row_tracker import RowTracker
from tests.unit.scenarios.histories import acknowledged, refused, unknown


def test_only_acknowledged_writes_that_were_not_seen_are_asked_for() -> None:
    ledger = Ledger()
    tracker = RowTracker(ledger)
    for write in (acknowledged("a", 5), refused("b"), unknown("c"), acknowledged(None, 1)):
        ledger.record(write)
    assert tracker.ask() == {"a": 0}
    tracker.take(1.0, 1.1, {"a": 5})
    assert tracker.ask() == {}
    ledger.record(acknowledged("a", 4))
    assert tracker.ask() == {}
    ledger.record(acknowledged("a", 6))
    assert tracker.ask() == {"a": 5}


def test_a_sighting_says_since_when_the_row_had_been_asked_for() -> None:
    ledger = Ledger()
    tracker = RowTracker(ledger)
    ledger.record(acknowledged("a", 5))
    tracker.ask()
    tracker.take(1.0, 1.1, {})
    ledger.record(acknowledged("a", 7))
    tracker.ask()
    tracker.take(2.0, 2.1, {"a": 6})
    tracker.ask()
    tracker.take(3.0, 3.1, {"a": 7})
    sightings = tracker.sightings
    assert sightings.polls == [1.0, 2.0, 3.0]
    assert sightings.seen["a"] == [
        Sighting(version=6, at=2.1, poll=1, asked=0),
        # The poll that showed version 6 showed, too, that version 7 was not there.
        Sighting(version=7, at=3.1, poll=2, asked=1),
    ]
    assert sightings.waiting == {}
    assert [seen.version for seen in sightings.since("a", 6)] == [6, 7]
    assert [seen.version for seen in sightings.since("a", 7)] == [7]
    assert list(sightings.since("b", 1)) == []


def test_what_was_never_seen_waits_from_its_first_poll_on() -> None:
    ledger = Ledger()
    tracker = RowTracker(ledger)
    ledger.record(acknowledged("a", 5))
    tracker.ask()
    tracker.take(1.0, 1.1, {})
    ledger.record(acknowledged("b", 6))
    tracker.ask()
    tracker.take(2.0, 2.1, {})
    assert tracker.sightings.waiting == {"a": 0, "b": 1}


def test_a_row_that_is_not_newer_than_it_was_seen_is_no_news() -> None:
    tracker = RowTracker(Ledger())
    tracker.take(1.0, 1.1, {"a": 5})
    tracker.take(2.0, 2.1, {"a": 5})
    assert len(tracker.sightings.seen["a"]) == 1


def test_a_product_that_was_forgotten_is_only_read_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_tracker, "_REMEMBERED", 1)
    ledger, polls = Ledger(), list[Poll]()
    tracker = RowTracker(ledger, polls.append)
    for product in ("a", "b", "c"):
        ledger.record(acknowledged(product, 5))
        tracker.ask()
        tracker.take(1.0, 1.1, {product: 5})
    ledger.record(acknowledged("a", 6))
    assert tracker.ask() == {"a": 0}
    tracker.take(2.0, 2.1, {"a": 5})
    assert tracker.ask() == {"a": 5}
    tracker.take(3.0, 3.1, {"a": 6})
    log = SightingLog()
    for poll in polls:
        log.add(poll)
    assert [(seen.version, seen.asked) for seen in log.sightings({}).seen["a"]] == [(5, 0), (6, 3)]
