"""Loads from k6, on a running lab of either runtime."""

import os
from collections.abc import Iterator
from contextlib import closing

import psutil
import pytest

from scenarios.catalogue import choose
from scenarios.events import Checked, LoadSampled, Measured
from scenarios.load.k6_scenario import BASIC
from scenarios.runner import run_scenario
from stack.docker.engine import connect
from stack.docker.labels import own_filter
from stack.errors import EnvironmentFault
from stack.lab import Lab
from stack.settings import StackSettings
from tests.integration.runs import Played, play


@pytest.fixture
def running(lab: Lab) -> Iterator[Lab]:
    """The lab, with every service up before and after the test."""
    list(lab.up())
    yield lab
    list(lab.up())


def _left(lab: Lab) -> list[str]:
    """The k6 runs that exist, running or finished."""
    if lab.kind == "local":
        children = psutil.Process(os.getpid()).children(recursive=True)
        return [name for child in children if (name := _name(child)) == "k6"]
    with closing(connect(StackSettings.from_env())) as client:
        found = client.containers(all=True, filters={**own_filter(lab.name), "name": "k6"})
        return [each["Names"][0] for each in found]


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def test_every_write_of_k6_is_judged(running: Lab) -> None:
    told = play(running, "k6-basic", duration=2.0, clients=4)
    told.assert_well_told()
    assert told.end.outcome == "expected", told.end
    assert told.figures["acknowledged"] == told.verdict.acknowledged > 10
    assert told.verdict.validity == "valid"
    assert told.figures["errors"] == 0
    claims = [check.claim for check in told.of(Checked)]
    assert "clients read their own writes" in claims
    assert sum(claim.startswith("k6: ") for claim in claims) == 5
    assert {sample.duration for sample in told.of(LoadSampled)} == {2.0}
    assert _left(running) == []


def test_one_hot_product_costs_k6_few_rows(running: Lab) -> None:
    told = play(running, "k6-coalescing", duration=1.5)
    assert told.end.outcome == "expected", told.end
    assert int(told.figures["coalesced"]) > int(told.figures["rows_written"])
    assert told.verdict.fates["persisted"] == 1


def test_a_threshold_that_is_missed_decides_and_nothing_acknowledged_is_lost(running: Lab) -> None:
    killed, events = False, []
    with closing(run_scenario(running, *choose("k6-coalescing", {"duration": 4.0}))) as playing:
        for event in playing:
            events.append(event)
            if isinstance(event, LoadSampled) and event.requests > 20 and not killed:
                killed = True
                list(running.kill("api"))
                list(running.start("api"))
    told = Played(events)
    assert killed
    assert told.end.outcome == "unexpected", told.end
    assert "k6: http_req_failed should be rate<0.01" in told.end.conclusion
    assert told.verdict.fates["lost"] == 0
    assert told.verdict.validity == "valid"
    assert next(event for event in told.of(Measured) if event.key == "errors").value


def test_a_run_that_is_closed_early_leaves_nothing(running: Lab) -> None:
    with closing(run_scenario(running, *choose("k6-basic", {}))) as events:
        assert any(isinstance(event, LoadSampled) and event.requests for event in events)
        assert _left(running)
    assert _left(running) == []


def test_a_killed_run_is_reported(running: Lab) -> None:
    with closing(run_scenario(running, *choose("k6-basic", {}))) as events:
        assert any(isinstance(event, LoadSampled) and event.requests for event in events)
        if running.kind == "local":
            (k6,) = (each for each in psutil.Process().children(recursive=True) if _name(each) == "k6")
            k6.kill()
        else:
            with closing(connect(StackSettings.from_env())) as client:
                client.kill(f"{running.name}-k6")
        with pytest.raises(EnvironmentFault, match="k6 ended with exit code"):
            list(events)
    assert _left(running) == []


@pytest.mark.docker
def test_one_at_a_time_in_docker(shared_docker_lab: Lab) -> None:
    list(shared_docker_lab.up())
    with closing(run_scenario(shared_docker_lab, *choose(BASIC.name, {}))) as events:
        assert any(isinstance(event, LoadSampled) and event.requests for event in events)
        with pytest.raises(EnvironmentFault, match="another load test runs"):
            next(shared_docker_lab.load_test("basic").lines())
    # The old run is gone, and its removal did not remove the new one.
    assert any("labctl" in line for line in shared_docker_lab.load_test("basic", {"DURATION": "1s"}).lines())
    assert _left(shared_docker_lab) == []
