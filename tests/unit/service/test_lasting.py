"""Lasting conditions are logged when they begin, now and then, and when they end."""

import logging

import pytest

from service.lasting import Conditions


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def conditions(clock: Clock, caplog: pytest.LogCaptureFixture) -> Conditions:
    caplog.set_level(logging.INFO)
    return Conditions(logging.getLogger("test"), clock)


def test_a_lasting_condition_is_logged_when_it_begins_every_30_s_and_when_it_ends(
    conditions: Conditions, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for tenth in range(700):
        clock.now = tenth / 10
        conditions.met("paused", f"paused: {tenth}")
    conditions.over("paused", "goes on")
    conditions.over("paused", "goes on")
    assert caplog.messages == [
        "paused: 0",
        "paused: 300 (300 times in the last 30 s)",
        "paused: 600 (300 times in the last 30 s)",
        "goes on, after 69.9 s (700 times)",
    ]


def test_counted_conditions_are_logged_by_a_look(
    conditions: Conditions, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    conditions.met("letters", "dead-lettered 2: x", 2)
    clock.now = 1
    conditions.met("letters", "dead-lettered 7: y", 7)
    conditions.look()
    clock.now = 31
    conditions.look()
    assert caplog.messages == ["dead-lettered 2: x", "dead-lettered 7: y (7 times in the last 31 s)"]


def test_a_condition_not_met_for_long_counts_as_new(
    conditions: Conditions, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    conditions.met("letters", "first")
    clock.now = 31
    conditions.look()
    conditions.met("letters", "second")
    assert caplog.messages == ["first", "second"]


def test_conditions_are_distinguished(conditions: Conditions, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        conditions.met("a", "one")
        conditions.met("b", "other")
    assert caplog.messages == ["one", "other"]
