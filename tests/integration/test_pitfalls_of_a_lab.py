"""Those of the earlier lab's defects that show in real processes only: kills, outages, and the demo."""

from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest

from scenarios.events import Checked, ScenarioFinished
from scenarios.judge.verdict import Verdict, judge
from scenarios.lab.context import Lab
from scenarios.runner import run
from stack.spec.events import StackEvents
from stack.stack import Stack
from stack.wait import wait_until
from tests.ledgered import widget


@pytest.fixture
def lab(stack: Stack) -> Iterator[Lab]:
    list(stack.up())
    with Lab(stack) as lab:
        drain(lab)
        lab.begin()
        yield lab


def drain(lab: Lab) -> None:
    wait_until(
        lambda: lab.probe.depth().unsettled == 0,
        seconds=20,
        reason="the queue is empty within 5 s of everything being up",
        hint=str(lab.probe.depth()),
    )


def verdict_of(lab: Lab) -> Verdict:
    return judge(lab.history(), lab.probe.findings(lab.ledger))


def test_04_a_worker_killed_in_mid_batch_loses_nothing(stack: Stack, lab: Lab) -> None:
    with psycopg.connect(stack.urls()["postgres"]) as other:
        # Nobody can write while this transaction is open: the worker's statement waits.
        other.execute("LOCK TABLE products IN EXCLUSIVE MODE")
        for n in range(20):
            lab.client.create(widget(f"P{n}"))
        wait_until(lambda: lab.probe.depth().inflight > 0, seconds=20, reason="a batch is in hand", hint="")
        list(stack.kill("worker"))
    list(stack.start("worker"))
    drain(lab)
    verdict = verdict_of(lab)
    assert (verdict.validity, verdict.fates["persisted"]) == ("valid", 20), verdict.reasons
    assert lab.probe.depth().dead_letters == 0


def test_14_a_database_that_is_away_for_a_while_costs_nothing(stack: Stack, lab: Lab) -> None:
    def pauses() -> int:
        return sum("flushing is paused" in line.text for line in stack.logs(["worker"]))

    before = pauses()
    list(stack.kill("postgres"))
    for n in range(20):
        lab.client.create(widget(f"P{n}"))
    wait_until(lambda: pauses() > before, seconds=20, reason="the worker has noticed", hint="")
    # Writes are taken meanwhile, and nothing is given up, however often the worker tries.
    for n in range(20, 40):
        lab.client.create(widget(f"P{n}"))
    depth = lab.probe.depth()
    assert (depth.queue + depth.inflight, depth.retrying, depth.dead_letters) == (40, 0, 0)
    list(stack.start("postgres"))
    drain(lab)
    verdict = verdict_of(lab)
    assert (verdict.validity, verdict.fates["persisted"]) == ("valid", 40), verdict.reasons


class _Interfered:
    """A stack on which somebody switches to write-through as soon as the worker is stopped: what the
    demo takes to be queued is persisted."""

    def __init__(self, stack: Stack, lab: Lab) -> None:
        self._stack = stack
        self._lab = lab

    def stop(self, service: str) -> StackEvents:
        yield from self._stack.stop(service)
        self._lab.client.change_config({"write_policy": "write_through"})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stack, name)


def test_17_the_loss_demo_concludes_nothing_from_an_empty_queue(stack: Stack, lab: Lab) -> None:
    try:
        events = list(run(cast(Stack, _Interfered(stack, lab)), "data-loss", {}))
    finally:
        lab.client.change_config({"write_policy": "write_behind"})
    match events[-1]:
        case ScenarioFinished("data-loss", "inconclusive", conclusion):
            assert "queue is empty before the crash" in conclusion
        case other:
            pytest.fail(f"ended with {other}")
    assert not any(isinstance(event, Checked) for event in events), "nothing was checked, so nothing passed"
    assert stack.running(), "the worker that the demo stopped runs again"
