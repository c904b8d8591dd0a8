"""`demo retries` on a running lab."""

from collections.abc import Mapping

import pytest

from scenarios.events import StepStarted, TableShown
from scenarios.lab.context import Run
from service.writebehind import keys
from stack.lab import Lab
from tests.integration.runs import assert_works, interrupt, play


def test_retried_given_up_and_put_back_nothing_is_lost(lab: Lab, run: Run) -> None:
    played = play(lab, "retries")
    played.assert_well_told()
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert played.verdict.fates["persisted"] == played.verdict.acknowledged == 25
    assert int(played.figures["retried"]) > 0
    assert played.figures["requeued"] == 5
    (letters,) = played.of(TableShown)
    assert {attempts for _, attempts, _ in letters.rows} == {"4"}
    assert played.end.seconds < 12


def _settings(run: Run) -> Mapping[str, object]:
    """Without the queue's size, which depends on what came before."""
    return {name: value for name, value in run.client.config().items() if name != "queue_size"}


@pytest.mark.slow_in_docker
def test_the_settings_are_those_of_before(lab: Lab, run: Run) -> None:
    run.client.change_config({"retry_delay_ms": 70})
    before = _settings(run)
    play(lab, "retries")
    assert _settings(run) == before
    # A setting that was not set live before must not be now: it would override the worker's environment.
    assert run.probe.live_settings() == {"retry_delay_ms": "70"}


def test_dead_letters_of_others_are_left_alone(lab: Lab, run: Run) -> None:
    run.client.change_config({"simulate_db_failure": True, "failure_rate": 1.0, "max_retries": 0})
    run.client.create({"name": "somebody's", "price": 1.0, "quantity": 1})
    list(run.probe.settle(10))
    run.probe.delete(keys.CONFIG)
    end = play(lab, "retries").end
    assert (end.outcome, "dead letters" in end.conclusion) == ("inconclusive", True)
    assert run.probe.depth().dead_letters == 1


@pytest.mark.sweep
@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_an_interruption_leaves_no_failing_worker_and_no_dead_letters(lab: Lab, run: Run, step: int) -> None:
    interrupt(lab, "retries", lambda event: isinstance(event, StepStarted) and event.number == step)
    assert_works(lab)
    assert run.probe.live_settings() == {}
    assert run.probe.depth().dead_letters == 0
