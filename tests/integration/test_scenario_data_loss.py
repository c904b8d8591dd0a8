"""`demo data-loss` on a running lab."""

from collections import Counter
from collections.abc import Callable

import pytest

from scenarios.events import Event, StepStarted
from scenarios.lab.context import Run
from stack.lab import Lab
from stack.spec.events import ServiceChanged
from tests.integration.runs import assert_works, interrupt, play

At = Callable[[Event], bool]


@pytest.mark.parametrize("crash", ["flushall", "kill"])
def test_exactly_the_queued_writes_are_lost(lab: Lab, crash: str) -> None:
    list(lab.up())
    played = play(lab, "data-loss", crash=crash)
    played.assert_well_told()
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    fates = Counter((write.group, write.fate) for write in played.verdict.judged)
    assert fates == {("persisted before the crash", "persisted"): 10, ("queued at the crash", "lost"): 5}
    assert len(played.verdict.lost_products) == 5
    assert played.verdict.validity == "valid"
    assert int(played.figures["queue_size"]) >= 5
    assert played.figures["queue_size_after"] == 0
    assert played.end.seconds < 8
    assert_works(lab)


def test_the_loss_is_read_from_postgresql_and_not_from_the_cache(lab: Lab) -> None:
    list(lab.up())
    played = play(lab, "data-loss")
    lost = [write.product for write in played.verdict.judged if write.fate == "lost"]
    with Run(lab) as run:
        assert run.probe.rows(lost) == {}


def test_a_write_through_lab_is_inconclusive(lab: Lab) -> None:
    list(lab.up())
    with Run(lab) as run:
        run.client.change_config({"write_policy": "write_through"})
        try:
            end = play(lab, "data-loss").end
        finally:
            run.client.change_config({"write_policy": "write_behind"})
    assert (end.outcome, "write_policy" in end.conclusion) == ("inconclusive", True)


def _step(number: int) -> At:
    return lambda event: isinstance(event, StepStarted) and event.number == number


def _when(service: str, state: str) -> At:
    return lambda event: (
        isinstance(event, ServiceChanged) and (event.service, event.state) == (service, state)
    )


@pytest.mark.sweep
@pytest.mark.parametrize(
    "at",
    [
        pytest.param(_when("worker", "stopping"), id="while the worker stops"),
        pytest.param(_step(3), id="while the worker is stopped"),
        pytest.param(_when("redis", "died"), id="right after the kill"),
        pytest.param(_when("redis", "starting"), id="while redis starts"),
        pytest.param(_when("worker", "starting"), id="while the worker starts"),
        pytest.param(_step(6), id="before the verdict"),
    ],
)
def test_an_interruption_at_any_point_leaves_the_lab_working(lab: Lab, at: At) -> None:
    list(lab.up())
    interrupt(lab, "data-loss", at, crash="kill")
    assert_works(lab)
