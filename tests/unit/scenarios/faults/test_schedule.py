"""Faults on time, each target by itself, and who is told that a service is away."""

import threading
import time
from collections.abc import Callable, Generator
from typing import cast

import pytest

from scenarios.events import Event, FaultInjected
from scenarios.faults.action import Action
from scenarios.faults.inject import Injected, Injector
from scenarios.faults.language import parse_fault
from scenarios.faults.schedule import Schedule
from stack.wait import wait_until


class _Injector:
    """Does nothing but say so. An action may be held up."""

    def __init__(self, *, held: str = "") -> None:
        self.may_go_on = threading.Event()
        self._held = held

    def inject(self, action: Action, *, over: Callable[[], bool]) -> Generator[Event, None, Injected]:
        if str(action) == self._held:
            self.may_go_on.wait(5)
        event = FaultInjected(str(action), 0.0, (), bit=True)
        yield event
        return Injected(action, event, None, time.monotonic())


class _Outages:
    def __init__(self) -> None:
        self.told: list[str] = []

    def begin_outage(self) -> None:
        self.told.append("begin")

    def end_outage(self) -> None:
        self.told.append("end")


def _schedule(injector: _Injector, *faults: str) -> Schedule:
    return Schedule(cast(Injector, injector), [parse_fault(text) for text in faults])


def _wait_for(schedule: Schedule, count: int) -> None:
    wait_until(lambda: len(schedule.injected) >= count, seconds=5, reason="faults were injected", hint="")


def test_each_comes_at_its_time_and_overlapping_outages_are_one() -> None:
    outages, begin = _Outages(), time.monotonic()
    faults = ("redis:kill@20ms:start@300ms", "api:pause@100ms:resume@400ms", "redis:flushall@350ms")
    with _schedule(_Injector(), *faults) as schedule:
        schedule.start(begin, outages)
        _wait_for(schedule, 5)
        schedule.end()
        told = [event.fault for event in schedule.events() if isinstance(event, FaultInjected)]
    assert [fault for fault in told if fault.startswith("redis")] == [
        "redis:kill@0.02s",
        "redis:start@0.3s",
        "redis:flushall@0.35s",
    ]
    assert [fault for fault in told if fault.startswith("api")] == ["api:pause@0.1s", "api:resume@0.4s"]
    late = [one.gone_at - begin - (one.action.at or 0.0) for one in schedule.injected]
    assert all(0 <= each < 1 for each in late), late
    assert outages.told == ["begin", "end"]
    assert schedule.left_out == []


def test_a_target_that_takes_long_does_not_hold_up_another() -> None:
    injector = _Injector(held="redis:kill@0.01s")
    with _schedule(injector, "redis:kill@10ms", "api:kill@20ms") as schedule:
        schedule.start(time.monotonic(), _Outages())
        _wait_for(schedule, 1)
        assert str(schedule.injected[0].action) == "api:kill@0.02s"
        injector.may_go_on.set()
        _wait_for(schedule, 2)


def test_what_was_not_broken_before_the_end_is_left_out() -> None:
    faults = ("redis:kill@10ms:start@60s:flushall@61s", "api:kill@60s:start@62s")
    with _schedule(_Injector(), *faults) as schedule:
        schedule.start(time.monotonic(), _Outages())
        _wait_for(schedule, 1)
        schedule.end()
    assert [str(action) for action in schedule.left_out] == ["redis:flushall@61s", "api:kill@60s"]


def test_what_a_thread_raises_is_not_lost() -> None:
    class Broken(_Injector):
        def inject(self, action: Action, *, over: Callable[[], bool]) -> Generator[Event, None, Injected]:
            raise ValueError("a bug")

    with _schedule(Broken(), "redis:flushall@1ms") as schedule:
        schedule.start(time.monotonic(), _Outages())
        with pytest.raises(ValueError, match="a bug"):
            schedule._running[0].result(5)
        with pytest.raises(ValueError, match="a bug"):
            schedule.end()
