"""Faults on a running lab: each is proved, and one that did nothing proves nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, cast

import pytest

from scenarios.catalogue import choose
from scenarios.events import Event, FaultInjected
from scenarios.faults.inject import Injector
from scenarios.faults.language import parse_action
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.lab.probe import Probe
from scenarios.runner import run_scenario
from stack.lab import Lab
from stack.spec.events import ServiceChanged, StackEvents
from stack.undo_log import undo_logs
from tests.integration.runs import Played, assert_works, play

pytestmark = pytest.mark.slow_in_docker


@pytest.fixture
def running(lab: Lab) -> Iterator[Lab]:
    """The lab, with every service up before and after the test."""
    list(lab.up())
    yield lab
    list(lab.up())


class _Blunt:
    """A lab on which one way to break a service does nothing, and says that it did."""

    def __init__(self, lab: Lab, verb: str) -> None:
        self._lab = lab
        self._verb = verb

    def __getattr__(self, name: str) -> Any:
        return self._nothing if name == self._verb else getattr(self._lab, name)

    def _nothing(self, service: str) -> StackEvents:
        yield ServiceChanged(service, "died", "SIGKILL")


def _blunt(lab: Lab, verb: str) -> Lab:
    return cast(Lab, _Blunt(lab, verb))


def _flush_another(probe: Probe) -> None:
    """FLUSHALL, but of another Redis."""


def _change_nothing(client: Client, changes: Mapping[str, Any]) -> dict[str, Any]:
    return client.config()


def _faults(played: Played) -> list[tuple[str, bool | None]]:
    return [(event.fault, event.bit) for event in played.of(FaultInjected)]


ACTIONS = [
    ("redis:pause", "redis:resume"),
    ("redis:kill", "redis:start"),
    ("redis:stop", "redis:start"),
    ("postgres:pause", "postgres:resume"),
    ("postgres:kill", "postgres:start"),
    ("api:pause", "api:resume"),
    ("api:stop", "api:start"),
    ("worker:pause", "worker:resume"),
    ("worker:kill", "worker:start"),
]


@pytest.mark.sweep
@pytest.mark.parametrize("words", ACTIONS, ids="-".join)
def test_what_is_broken_and_mended_is_proved(running: Lab, words: tuple[str, str]) -> None:
    breaks, mends = map(parse_action, words)
    with Run(running) as run:
        # A script has run in this memory of Redis.
        run.client.create({"name": "before", "price": 1.0, "quantity": 1})
        with Injector(run, [breaks]) as injector:
            events = [*injector.inject(breaks), *injector.inject(mends)]
            again = list(injector.inject(mends))
    receipts = [event for event in events if isinstance(event, FaultInjected)]
    assert [(one.fault, one.bit, one.why) for one in receipts] == [(words[0], True, ""), (words[1], True, "")]
    assert all(one.proofs for one in receipts)
    # What is mended already can't be mended: a receipt is not given away.
    assert isinstance(again[-1], FaultInjected)
    assert again[-1].bit is False
    assert running.observe(breaks.target).state == "running"


@pytest.mark.sweep
@pytest.mark.parametrize("verb", ["kill", "stop", "pause"])
def test_what_did_nothing_is_not_proved(running: Lab, verb: str) -> None:
    action = parse_action(f"redis:{verb}")
    with Run(_blunt(running, verb)) as run, Injector(run, [action]) as injector:
        *_, receipt = injector.inject(action)
    assert isinstance(receipt, FaultInjected)
    assert receipt.bit is False
    assert "redis" in receipt.why


def test_a_service_that_does_not_run_cannot_be_broken(running: Lab) -> None:
    kill = parse_action("worker:kill")
    with Run(running) as run, Injector(run, [kill]) as injector:
        *_, first = injector.inject(kill)
        *_, second = injector.inject(kill)
    assert isinstance(first, FaultInjected)
    assert isinstance(second, FaultInjected)
    assert (first.bit, second.bit, second.why) == (True, False, "worker does not run")
    # The block is over, and what was broken in it is mended.
    assert running.observe("worker").state == "running"
    assert not list(undo_logs(running.directory))


Plant = Callable[[Lab, pytest.MonkeyPatch], Lab]


def _plant_flush(lab: Lab, patch: pytest.MonkeyPatch) -> Lab:
    patch.setattr(Probe, "flush_all", _flush_another)
    return lab


def _plant_failures(lab: Lab, patch: pytest.MonkeyPatch) -> Lab:
    patch.setattr(Client, "change_config", _change_nothing)
    return lab


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("demo", "plant", "why"),
    [
        ("data-loss", _plant_flush, "redis:flushall did not take effect: Redis still has its memory"),
        (
            "data-loss --crash",
            lambda lab, _: _blunt(lab, "kill"),
            "redis:kill did not take effect: the process",
        ),
        ("data-loss", lambda lab, _: _blunt(lab, "stop"), "worker:stop did not take effect: the process"),
        ("retries", _plant_failures, "no write failed"),
    ],
    ids=["flushall of another Redis", "kill of nothing", "stop of nothing", "failures that never come"],
)
def test_no_demo_passes_by_accident(
    running: Lab, monkeypatch: pytest.MonkeyPatch, demo: str, plant: Plant, why: str
) -> None:
    name, _, crash = demo.partition(" ")
    played = play(plant(running, monkeypatch), name, **({"crash": "kill"} if crash else {}))
    assert (played.end.outcome, why in played.end.conclusion) == ("inconclusive", True), played.end
    monkeypatch.undo()
    assert_works(running)


def test_the_loss_of_a_crash_under_load_is_its_result(running: Lab) -> None:
    played = play(running, "load-basic", duration=3.0, rate=300.0, fault=["redis:kill@1500ms:start@1800ms"])
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert _faults(played) == [("redis:kill@1.5s", True), ("redis:start@1.8s", True)]
    lost, figures = played.verdict.fates["lost"], played.figures
    assert figures["lost"] == lost
    assert 0 < lost <= int(figures["predicted_loss_most"])
    assert 0 < int(figures["predicted_loss"]) <= int(figures["predicted_loss_most"])
    # A window of 500 ms, and what a flush takes.
    assert 300 < int(figures["alone_in_redis_ms"]) < 2_000
    assert f"{lost} of " in played.end.conclusion
    assert_works(running)


@pytest.mark.slow
def test_what_a_frozen_redis_held_is_known_from_before(running: Lab) -> None:
    faults = ["redis:pause@500ms:kill@1s:start@1500ms"]
    played = play(running, "load-basic", duration=2.5, rate=200.0, fault=faults)
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert 0 < played.verdict.fates["lost"] <= int(played.figures["predicted_loss_most"])


def test_what_a_load_leaves_broken_is_mended_and_nothing_is_lost(running: Lab) -> None:
    # A busy engine takes a second to kill or to freeze a container.
    faults = ["worker:kill@300ms", "postgres:pause@1500ms:resume@3s"]
    played = play(running, "load-coalescing", duration=4.0, rate=50.0, fault=faults)
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert dict(_faults(played)) == {
        "worker:kill@0.3s": True,
        "postgres:pause@1.5s": True,
        "postgres:resume@3s": True,
    }
    assert "no acknowledged write is lost" in played.end.conclusion
    assert running.running()


@pytest.mark.slow
def test_failures_under_load_end_and_nothing_stays_set_aside(running: Lab) -> None:
    played = play(
        running, "load-basic", duration=3.0, rate=100.0, fault=["failures:on=100%@500ms:off@2500ms"]
    )
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert [bit for _, bit in _faults(played)] == [True, True]
    with Run(running) as run:
        assert run.probe.live_settings() == {}
        assert run.probe.depth().dead_letters == 0


def test_a_fault_that_did_nothing_makes_a_load_inconclusive(running: Lab) -> None:
    played = play(_blunt(running, "kill"), "load-basic", duration=1.0, rate=50.0, fault=["redis:kill@500ms"])
    assert played.end.outcome == "inconclusive"
    assert "redis:kill@0.5s did not take effect" in played.end.conclusion


def test_a_crash_with_nothing_at_stake_is_inconclusive(running: Lab) -> None:
    with Run(running) as run:
        run.client.change_config({"coalescing_window_ms": 0})
    try:
        faults = ["redis:flushall@1400ms"]
        played = play(running, "load-coalescing", duration=2.0, rate=2.0, clients=1, fault=faults)
    finally:
        with Run(running) as run:
            run.client.change_config({"coalescing_window_ms": 500})
    assert played.end.outcome == "inconclusive"
    assert "nothing was in Redis alone" in played.end.conclusion


def test_an_interrupted_load_mends_what_its_fault_broke(running: Lab) -> None:
    def paused(event: Event) -> bool:
        return isinstance(event, FaultInjected)

    options = {"duration": 20.0, "rate": 20.0, "fault": ["worker:pause@200ms"]}
    with closing(run_scenario(running, *choose("load-basic", options))) as events:
        assert any(paused(event) for event in events)
    assert running.running()
    assert not list(undo_logs(running.directory))
