"""`demo retries` on a running lab."""

from collections.abc import Iterator, Mapping

import pytest

from scenarios.events import StepStarted, TableShown
from scenarios.lab.context import Lab
from service.writebehind import keys
from stack.stack import Stack
from tests.integration.runs import assert_works, interrupt, play


@pytest.fixture
def lab(stack: Stack) -> Iterator[Lab]:
    """The lab without dead letters, before and after."""
    list(stack.up())
    with Lab(stack) as lab:
        lab.probe.delete(keys.DLQ)
        lab.probe.delete(keys.CONFIG)
        yield lab
        lab.probe.delete(keys.DLQ)
        lab.probe.delete(keys.CONFIG)


def test_retried_given_up_and_put_back_nothing_is_lost(stack: Stack, lab: Lab) -> None:
    run = play(stack, "retries")
    run.assert_well_told()
    assert run.end.outcome == "expected", (run.end, run.failed_checks)
    assert run.verdict.fates["persisted"] == run.verdict.acknowledged == 25
    assert int(run.figures["retried"]) > 0
    assert run.figures["requeued"] == 5
    (letters,) = run.of(TableShown)
    assert {attempts for _, attempts, _ in letters.rows} == {"4"}
    assert run.end.seconds < 12


def _settings(lab: Lab) -> Mapping[str, object]:
    """Without the queue's size, which stands beside them and depends on what came before."""
    return {name: value for name, value in lab.client.config().items() if name != "queue_size"}


def test_the_settings_are_those_of_before(stack: Stack, lab: Lab) -> None:
    lab.client.change_config({"retry_delay_ms": 70})
    before = _settings(lab)
    play(stack, "retries")
    assert _settings(lab) == before
    # What was not set before is not set now: it would override the worker's environment for good.
    assert lab.probe.live_settings() == {"retry_delay_ms": "70"}


def test_dead_letters_of_others_are_left_alone(stack: Stack, lab: Lab) -> None:
    lab.client.change_config({"simulate_db_failure": True, "failure_rate": 1.0, "max_retries": 0})
    lab.client.create({"name": "somebody's", "price": 1.0, "quantity": 1})
    list(lab.probe.settle(10))
    lab.probe.delete(keys.CONFIG)
    end = play(stack, "retries").end
    assert (end.outcome, "dead letters" in end.conclusion) == ("inconclusive", True)
    assert lab.probe.depth().dead_letters == 1


@pytest.mark.sweep
@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_an_interruption_leaves_no_failing_worker_and_no_dead_letters(
    stack: Stack, lab: Lab, step: int
) -> None:
    interrupt(stack, "retries", lambda event: isinstance(event, StepStarted) and event.number == step)
    assert_works(stack)
    assert lab.probe.live_settings() == {}
    assert lab.probe.depth().dead_letters == 0
