"""The wait until everything is flushed, on databases that answer as a test says."""

from collections.abc import Iterator

import pytest

from scenarios import settle as settling
from scenarios.events import Event
from scenarios.settle import Depth, Settled, settle
from stack.errors import NotRunning
from stack.spec.events import Advanced

AWAY = NotRunning("nothing answers", hint="")


class Script:
    """How many entries are left at each look, None while Redis is away; the last one stays."""

    def __init__(self, *left: int | None, database: bool = True) -> None:
        self._left: Iterator[int | None] = iter(left)
        self._last: int | None = 0
        self._database = database

    def depth(self) -> Depth:
        self._last = next(self._left, self._last)
        if self._last is None:
            raise AWAY
        return Depth(queue=self._last, inflight=0, retrying=0, dead_letters=0, backlog=0)

    def ping_database(self) -> None:
        if not self._database:
            raise AWAY


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_LONGEST_ABSENCE_S", 0.05)
    monkeypatch.setattr(settling, "_DATABASE_PING_INTERVAL_S", 0.0)


def waited(script: Script, seconds: float = 5) -> tuple[list[Event], Settled]:
    events: list[Event] = []
    wait = settle(script, seconds)
    while True:
        try:
            events.append(next(wait))
        except StopIteration as stop:
            settled: Settled = stop.value
            return events, settled


def test_progress_is_told_to_its_end() -> None:
    events, settled = waited(Script(3, 5, 2, 0))
    label = "waiting until everything is flushed"
    assert events == [Advanced(label, *each) for each in ((0, 3), (0, 5), (3, 5), (5, 5))]
    assert settled == Settled(quiet=True)


def test_an_empty_queue_is_not_waited_for_whatever_postgresql_does() -> None:
    assert waited(Script(0, database=False)) == ([], Settled(quiet=True))


def test_a_queue_that_does_not_empty_in_time_has_no_culprit() -> None:
    assert waited(Script(1), seconds=0.1)[1] == Settled(quiet=False)


def test_nothing_waits_for_a_postgresql_that_is_away() -> None:
    assert waited(Script(1, database=False))[1] == Settled(quiet=False, culprit="nothing answers")


def test_nothing_waits_for_a_redis_that_is_away() -> None:
    with pytest.raises(NotRunning, match="nothing answers"):
        waited(Script(1, None))


def test_a_redis_that_comes_back_soon_is_waited_for() -> None:
    assert waited(Script(None, None, 1, 0))[1].quiet
