"""The course of an experiment."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest

from scenarios.early_end import EarlyEnd
from scenarios.events import ChartShown, Event, Narrated, Outcome, ScenarioFinished, TableShown
from scenarios.experiment.design import Design
from scenarios.experiment.grid import Cell, grid
from scenarios.experiment.play import Experiment, Result
from stack.spec.events import Advanced
from tests.unit.scenarios.experiment.scripted import ScriptedTrials


def figures(cell: Cell, number: int, *, noise: float = 0.01) -> dict[str, float]:
    """What a lab of that cell would show, more or less."""
    random = Random(f"{cell}/{number}")
    window = int(dict(cell.settings).get("COALESCING_WINDOW_MS", 0))
    p99 = 8.0 if cell.policy == "write_through" else 2.0
    return {
        "lost": round(window / 2 * random.uniform(1 - noise, 1 + noise)),
        "predicted_loss": window * 0.6,
        "predicted_loss_most": window * 0.7,
        "p50": 1.0,
        "p99": p99 * random.uniform(1 - noise, 1 + noise),
        "writes_per_second": 500.0,
        "persist_lag_p99": window + 100.0,
    }


def steady(cell: Cell, number: int, attempt: int) -> tuple[Outcome, Mapping[str, float]]:
    return "expected", figures(cell, number)


def noisy(cell: Cell, number: int, attempt: int) -> tuple[Outcome, Mapping[str, float]]:
    return "expected", figures(cell, number, noise=0.8)


def run(
    trials: ScriptedTrials, design: Design | None = None, *, asked: int = 0
) -> tuple[list[Event], Result]:
    """Run an experiment.

    Args:
        asked: Ask for an early end in the trial of this number; 0: never.
    """
    early_end = EarlyEnd()
    experiment = Experiment(design or Design(), trials, clock=trials.clock, early_end=early_end).play()
    events: list[Event] = []
    try:
        while True:
            events.append(next(experiment))
            if asked and len(trials.asked) == asked:
                early_end.request()
    except StopIteration as end:
        return events, end.value


def _marked(events: Sequence[Event]) -> int:
    """How many cells have intervals of trials that agreed early."""
    (times,) = (event for event in events if isinstance(event, TableShown) and event.key == "times")
    return sum(row[0].endswith(" *") for row in times.rows)


def test_it_answers_the_question() -> None:
    events, result = run(ScriptedTrials(steady))
    assert result.outcome == "expected"
    text = " ".join(result.answer)
    assert "Write-behind, window 500 ms: a crash of Redis lost a median of 2" in text
    assert "Write-through: a crash of Redis lost none, in 3 trials." in text
    assert "slower (" in text
    assert isinstance(events[-1], ScenarioFinished)
    assert {event.key for event in events if isinstance(event, TableShown)} == {
        "cells",
        "trials",
        "losses",
        "times",
    }


def test_its_charts_show_every_trial() -> None:
    def stumbling(cell: Cell, number: int, attempt: int) -> tuple[Outcome, Mapping[str, float]]:
        broken = cell.policy == "write_through" and number == 2
        return ("inconclusive", {}) if broken else ("expected", figures(cell, number, noise=0.8))

    events, _ = run(ScriptedTrials(stumbling))
    losses, p99s = (event for event in events if isinstance(event, ChartShown))
    assert list(losses.x) == [1, 2, 3, 4, 5, 6]
    assert [curve.label for curve in losses.curves] == [
        "write-behind, window 500 ms",
        "write-behind, window 50 ms",
        "write-through",
    ]
    assert list(losses.curves[2].values) == [0, None, 0, 0, 0, 0]
    assert None not in p99s.curves[0].values
    assert p99s.log_y


def test_a_single_round_makes_no_chart() -> None:
    events, _ = run(ScriptedTrials(steady), Design(trials=1))
    assert not any(isinstance(event, ChartShown) for event in events)


def test_cells_whose_trials_agree_are_not_tried_again() -> None:
    trials = ScriptedTrials(steady)
    events, result = run(trials)
    assert all(list(trials.tried(cell)) == [1, 2, 3] for cell in grid(Design()).cells)
    assert all(summary.agreed for summary in result.summaries)
    assert _marked(events) == 3
    assert any(
        event.text.startswith("* Not tried further") for event in events if isinstance(event, Narrated)
    )
    assert "95 % interval" not in " ".join(result.answer)


def test_cells_whose_trials_differ_are_tried_to_the_end() -> None:
    trials = ScriptedTrials(noisy)
    events, result = run(trials)
    assert all(list(trials.tried(cell)) == [1, 2, 3, 4, 5, 6] for cell in grid(Design()).cells)
    assert not any(summary.agreed for summary in result.summaries)
    assert _marked(events) == 0
    assert not any("Not tried further" in event.text for event in events if isinstance(event, Narrated))
    assert "95 % interval" in " ".join(result.answer)


def test_noise_is_not_called_a_difference() -> None:
    def alike(cell: Cell, number: int, attempt: int) -> tuple[Outcome, Mapping[str, float]]:
        return "expected", {**figures(cell, number), "p99": Random(f"{cell}/{number}").uniform(1, 5)}

    _, result = run(ScriptedTrials(alike))
    assert sum("no difference that can be told from noise" in sentence for sentence in result.answer) == 2


def test_an_inconclusive_trial_is_tried_once_more() -> None:
    def stumbling(cell: Cell, number: int, attempt: int) -> tuple[Outcome, Mapping[str, float]]:
        return ("inconclusive", {}) if (number, attempt) == (2, 1) else ("expected", figures(cell, number))

    trials = ScriptedTrials(stumbling)
    events, result = run(trials)
    assert all(list(trials.tried(cell)) == [1, 2, 2, 3] for cell in grid(Design()).cells)
    assert result.outcome == "expected"
    told = [event.text for event in events if isinstance(event, Narrated)]
    assert sum("inconclusive, it is tried again. The worker is stuck." in text for text in told) == 3


def test_a_cell_that_never_measures_anything_gets_no_figure() -> None:
    def broken(cell: Cell, number: int, attempt: int) -> tuple[Outcome, Mapping[str, float]]:
        if cell.policy == "write_through":
            return "inconclusive", {"lost": 0, "p99": 1}
        return "expected", figures(cell, number)

    events, result = run(ScriptedTrials(broken))
    assert result.outcome == "inconclusive"
    told = "Write-through: nothing can be said, because none of 12 trials measured anything."
    assert told in result.answer
    losses = next(event for event in events if isinstance(event, TableShown) and event.key == "losses")
    assert losses.rows[2] == ("write-through", "0: too few", *["-"] * 6)


def test_a_trial_that_did_not_end_as_predicted_counts_and_is_told() -> None:
    def surprising(cell: Cell, number: int, attempt: int) -> tuple[Outcome, Mapping[str, float]]:
        odd = cell.policy == "write_through" and number == 1
        return ("unexpected" if odd else "expected"), figures(cell, number)

    _, result = run(ScriptedTrials(surprising))
    assert result.outcome == "unexpected"
    assert result.answer[-1].startswith("1 trial did not end as predicted")


@pytest.mark.parametrize("asked", [1, 5])
def test_ended_early_it_answers_with_the_trials_that_were_made(asked: int) -> None:
    trials = ScriptedTrials(steady)
    events, result = run(trials, asked=asked)
    assert len(trials.asked) == trials.closed == asked
    assert len(result.trials) == asked - 1
    assert result.outcome == "inconclusive"
    assert all("nothing can be said" in sentence for sentence in result.answer)
    assert any(isinstance(event, Narrated) and event.text.startswith("Ended early") for event in events)
    assert isinstance(events[-1], ScenarioFinished)


def test_ended_in_its_last_round_it_still_answers() -> None:
    trials = ScriptedTrials(noisy)
    _, result = run(trials, asked=17)
    assert result.outcome == "expected"
    assert sorted(summary.valid for summary in result.summaries) == [5, 5, 6]


def test_no_round_begins_that_would_end_after_the_time_limit() -> None:
    trials = ScriptedTrials(noisy)
    # A round takes 30 s.
    events, result = run(trials, Design(time_limit=130))
    assert trials.now == 120
    assert result.outcome == "expected"
    told = [event.text for event in events if isinstance(event, Narrated)]
    assert "After 4 rounds, there is no time left for another one." in told
    progress = [event.label for event in events if isinstance(event, Advanced)]
    assert progress[0] == "trials, about 2 min 10 s left"


def test_the_first_round_begins_however_short_the_time() -> None:
    trials = ScriptedTrials(noisy)
    run(trials, Design(time_limit=1))
    assert trials.now == 30


def test_a_busy_machine_is_told() -> None:
    _, calm = run(ScriptedTrials(steady))
    _, busy = run(ScriptedTrials(noisy))
    assert not any("kept this machine busy" in sentence for sentence in calm.answer)
    assert any("kept this machine busy" in sentence for sentence in busy.answer)


def test_a_lab_that_cannot_keep_up_is_told() -> None:
    def slow(cell: Cell, number: int, attempt: int) -> tuple[Outcome, Mapping[str, float]]:
        rate = 430.0 if cell.policy == "write_through" else 499.0
        return "expected", {**figures(cell, number), "writes_per_second": rate}

    _, result = run(ScriptedTrials(slow))
    (told,) = [sentence for sentence in result.answer if "Beyond its capacity" in sentence]
    assert told.startswith("Write-through: of 500 writes a second, only 430 were acknowledged.")


def test_the_time_left_is_told_and_falls() -> None:
    events, _ = run(ScriptedTrials(noisy))
    progress = [event for event in events if isinstance(event, Advanced)]
    assert progress[0].total == 18
    assert progress[-1].done == 17
    assert progress[0].label == "trials, about 4 min 5 s left"
    assert progress[-1].label == "trials, about 5 s left"


def test_closing_it_ends_the_trial_under_way() -> None:
    trials = ScriptedTrials(steady)
    experiment = Experiment(Design(), trials, clock=trials.clock).play()
    while not isinstance(next(experiment), Advanced):
        pass
    assert trials.closed == 0
    experiment.close()
    assert trials.closed == 1
    assert len(trials.asked) == 1


def test_the_document_holds_all_trials_and_their_journals() -> None:
    _, result = run(ScriptedTrials(steady), Design(trials=1))
    document = result.document()
    assert [trial["run"] for trial in document["trials"]] == ["run-1", "run-2", "run-3"]
    assert [cell["trials"] for cell in document["cells"]] == [1, 1, 1]
    assert document["design"]["seed"] == 42
    assert document["not_tried"]
