"""The earlier lab's defects that only show in real processes: kills, outages, and the demo."""

from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest

from scenarios.catalogue import choose
from scenarios.events import Checked, ScenarioFinished
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.runner import run_scenario
from stack.lab import Lab
from stack.spec.events import StackEvents
from stack.wait import wait_until
from tests.integration.runs import finish
from tests.ledgered import widget


@pytest.fixture
def run(lab: Lab) -> Iterator[Run]:
    list(lab.up())
    with Run(lab) as run:
        drain(run)
        run.open_journal()
        run.begin()
        yield run


def drain(run: Run) -> None:
    wait_until(
        lambda: run.probe.depth().unsettled == 0,
        seconds=20,
        reason="the queue is empty within 5 s of everything being up",
        hint=str(run.probe.depth()),
    )


def verdict_of(run: Run) -> Verdict:
    return finish(run.judging())


def test_04_a_worker_killed_in_mid_batch_loses_nothing(lab: Lab, run: Run) -> None:
    with psycopg.connect(lab.urls()["postgres"]) as other:
        # The worker's statement waits while this transaction is open.
        other.execute("LOCK TABLE products IN EXCLUSIVE MODE")
        for n in range(20):
            run.client.create(widget(f"P{n}"))
        wait_until(lambda: run.probe.depth().inflight > 0, seconds=20, reason="a batch is in hand", hint="")
        list(lab.kill("worker"))
    list(lab.start("worker"))
    drain(run)
    verdict = verdict_of(run)
    assert (verdict.validity, verdict.fates["persisted"]) == ("valid", 20), verdict.reasons
    assert run.probe.depth().dead_letters == 0


def test_14_a_short_outage_of_the_database_loses_nothing(lab: Lab, run: Run) -> None:
    def pauses() -> int:
        return sum("flushing is paused" in line.text for line in lab.logs(["worker"]))

    before = pauses()
    list(lab.kill("postgres"))
    for n in range(20):
        run.client.create(widget(f"P{n}"))
    wait_until(lambda: pauses() > before, seconds=20, reason="the worker has noticed", hint="")
    # Meanwhile writes are accepted and nothing is given up, however often the worker tries.
    for n in range(20, 40):
        run.client.create(widget(f"P{n}"))
    depth = run.probe.depth()
    assert (depth.queue + depth.inflight, depth.retrying, depth.dead_letters) == (40, 0, 0)
    list(lab.start("postgres"))
    drain(run)
    verdict = verdict_of(run)
    assert (verdict.validity, verdict.fates["persisted"]) == ("valid", 40), verdict.reasons


class _Interfered:
    """A lab that is switched to write-through as soon as the worker is stopped: the writes that the demo
    believes to be queued are persisted."""

    def __init__(self, lab: Lab, run: Run) -> None:
        self._lab = lab
        self._run = run

    def stop(self, service: str) -> StackEvents:
        yield from self._lab.stop(service)
        self._run.client.change_config({"write_policy": "write_through"})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lab, name)


def test_17_the_loss_demo_concludes_nothing_from_an_empty_queue(lab: Lab, run: Run) -> None:
    try:
        events = list(run_scenario(cast(Lab, _Interfered(lab, run)), *choose("data-loss", {})))
    finally:
        run.client.change_config({"write_policy": "write_behind"})
    match events[-1]:
        case ScenarioFinished("data-loss", "inconclusive", conclusion):
            assert "queue is empty before the crash" in conclusion
        case other:
            pytest.fail(f"ended with {other}")
    assert not any(isinstance(event, Checked) for event in events), "nothing was checked, so nothing passed"
    assert lab.running(), "the worker that the demo stopped runs again"
