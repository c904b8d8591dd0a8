"""The load scenarios on a running lab."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from scenarios.catalogue import choose
from scenarios.events import (
    Checked,
    Distributed,
    Event,
    LoadSampled,
    Measured,
    ScenarioFinished,
    VerdictReached,
)
from scenarios.judge.verdict import Verdict
from scenarios.runner import run_scenario
from stack.lab import Lab


@pytest.fixture
def running(lab: Lab) -> Iterator[Lab]:
    """The lab, with every service up before and after the test."""
    list(lab.up())
    yield lab
    list(lab.up())


def _load(lab: Lab, name: str, **options: Any) -> list[Event]:
    with closing(run_scenario(lab, *choose(name, options))) as events:
        return list(events)


def _outcome(events: list[Event]) -> ScenarioFinished:
    finished = events[-1]
    assert isinstance(finished, ScenarioFinished)
    return finished


def _verdict(events: list[Event]) -> Verdict:
    return next(event.verdict for event in events if isinstance(event, VerdictReached))


def _measured(events: list[Event]) -> dict[str, Any]:
    return {event.key: event.value for event in events if isinstance(event, Measured)}


def test_quick_persists_fifty_products(running: Lab) -> None:
    events = _load(running, "load-quick")
    assert _outcome(events).outcome == "expected", _outcome(events)
    assert _verdict(events).fates["persisted"] == 50
    assert _measured(events)["rows_written"] == 50


@pytest.mark.slow_in_docker
def test_a_hot_product_costs_one_row_per_window(running: Lab) -> None:
    events = _load(running, "load-coalescing", duration=1.5)
    figures = _measured(events)
    assert _outcome(events).outcome == "expected", _outcome(events)
    assert figures["errors"] == 0
    assert figures["acknowledged"] == figures["requests"] == _verdict(events).acknowledged
    assert 0 < figures["persist_lag_p50_ms"] <= figures["persist_lag_max_ms"]
    assert figures["acknowledged"] > 10 * figures["rows_written"]
    assert figures["coalesced"] >= figures["acknowledged"] - figures["rows_written"] - 1
    assert _verdict(events).fates["persisted"] == 1


@pytest.mark.slow_in_docker
def test_a_mix_on_a_schedule_sends_what_was_asked_for(running: Lab) -> None:
    events = _load(running, "load-basic", duration=2, rate=100, clients=8)
    figures = _measured(events)
    assert _outcome(events).outcome == "expected", _outcome(events)
    # 100 requests/s for 2 s; the two ramps take away 0.2 s.
    assert figures["requests"] == 180
    assert figures["errors"] == 0
    assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"] <= figures["max_ms"] * 1.001
    verdict = _verdict(events)
    assert verdict.acknowledged == figures["acknowledged"]
    assert verdict.validity == "valid"


@pytest.mark.slow_in_docker
def test_writes_a_second_of_a_mix_with_deletes_on_few_keys(running: Lab) -> None:
    events = _load(
        running,
        "load-basic",
        duration=2,
        writes_per_second=100,
        mix="create=2,read=4,update=3,delete=1",
        keys=20,
        clients=8,
    )
    figures, verdict = _measured(events), _verdict(events)
    assert _outcome(events).outcome == "expected", _outcome(events)
    # 100 writes/s for 2 s; the two ramps take away 0.2 s.
    assert abs(verdict.acknowledged - 180) < 30
    assert figures["errors"] == 0
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert 0 < figures["read_p50_ms"] <= figures["read_p99_ms"]
    distributions = {event.key: event for event in events if isinstance(event, Distributed)}
    assert {"write_latency_hold", "read_latency_hold", "write_latency_ramp"} <= set(distributions)
    assert sum(
        n for key, one in distributions.items() if key.startswith("write") for _, n in one.buckets
    ) == (verdict.acknowledged)


@pytest.mark.slow_in_docker
def test_what_is_written_through_is_counted_and_leaves_the_lab_as_it_was(running: Lab) -> None:
    events = _load(running, "load-coalescing", duration=1, rate=50, policy="write_through")
    figures = _measured(events)
    assert _outcome(events).outcome == "expected", _outcome(events)
    assert figures["rows_written"] == figures["written_through"] == figures["acknowledged"] == 50
    assert "persist_lag_max_ms" not in figures
    events = _load(running, "load-quick")
    assert "written_through" not in _measured(events)


@pytest.mark.slow_in_docker
def test_more_than_the_lab_can_do_is_told_with_what_it_can(running: Lab) -> None:
    """A single connection is soon at its limit, whatever the machine."""
    events = _load(running, "load-coalescing", duration=2, rate=20_000, clients=1)
    figures = _measured(events)
    assert 0 < figures["saturates_at_per_second"] < 20_000
    assert figures["offered_per_second"] == 20_000
    assert "Asked for 20,000 requests/s, and the" in _outcome(events).conclusion


@pytest.mark.slow_in_docker
def test_an_api_that_is_killed_under_load_loses_nothing_that_it_acknowledged(running: Lab) -> None:
    killed = False
    events: list[Event] = []
    with closing(run_scenario(running, *choose("load-basic", {"duration": 3.0, "clients": 8}))) as playing:
        for event in playing:
            events.append(event)
            # Seven requests in ten are writes.
            if isinstance(event, LoadSampled) and event.requests > 200 and not killed:
                killed = True
                list(running.kill("api"))
                list(running.start("api"))
    assert killed
    figures, verdict = _measured(events), _verdict(events)
    assert figures["errors"] > 0
    assert _outcome(events).outcome == "expected", _outcome(events)
    assert verdict.fates["lost"] == verdict.fates["pending"] == 0
    assert verdict.acknowledged > 100


def _broken_half_way(lab: Lab, name: str, do: Callable[[], object], **options: Any) -> list[Event]:
    """Runs a load and does something to the lab halfway through."""
    done = False
    events: list[Event] = []
    with closing(run_scenario(lab, *choose(name, options))) as playing:
        for event in playing:
            events.append(event)
            if isinstance(event, LoadSampled) and event.elapsed > options["duration"] / 2 and not done:
                done = True
                do()
    assert done
    return events


@pytest.mark.slow_in_docker
def test_what_a_crash_of_redis_took_is_lost_though_the_product_was_written_again(running: Lab) -> None:
    def crash() -> None:
        list(running.kill("redis"))
        list(running.start("redis"))

    events = _broken_half_way(running, "load-coalescing", crash, duration=3.0, rate=300)
    verdict = _verdict(events)
    assert _outcome(events).outcome == "unexpected", _outcome(events)
    assert verdict.fates["lost"] > 0
    (crashed,) = verdict.crashes
    assert (crashed.exposed, crashed.products) == (verdict.fates["lost"], 1)
    assert crashed.overwritten_later == crashed.exposed
    assert verdict.fates["undetermined"] == 0
    assert verdict.lost_products == ()


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize(
    ("service", "named"), [("redis", "Redis does not answer"), ("postgres", "PostgreSQL does not answer")]
)
def test_a_database_that_is_left_dead_leaves_it_open_and_is_named_soon(
    running: Lab, service: str, named: str
) -> None:
    begun = time.monotonic()
    events = _broken_half_way(
        running, "load-basic", lambda: list(running.kill(service)), duration=3.0, rate=200
    )
    took = time.monotonic() - begun
    verdict, outcome = _verdict(events), _outcome(events)
    assert outcome.outcome == "inconclusive", outcome
    assert named in outcome.conclusion
    assert verdict.fates["lost"] == 0
    assert verdict.fates["undetermined"] > 0
    assert (verdict.fates["pending"] > 0) == (service == "postgres")
    claims = {event.claim: event.passed for event in events if isinstance(event, Checked)}
    assert claims["no acknowledged write is lost"] is None
    assert took < 20
