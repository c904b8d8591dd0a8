"""What the trials of a cell say together."""

import pytest

from scenarios.experiment.summary import agree, summarise
from scenarios.experiment.trial import Trial
from tests.unit.scenarios.experiment.scripted import trial


def test_losses_are_told_as_they_were() -> None:
    trials = [
        trial(lost=lost, predicted_loss=predicted, predicted_loss_most=most)
        for lost, predicted, most in ((240, 250, 280), (251, 260, 270), (263, 270, 275))
    ]
    loss = summarise("cell", trials, asked=3).loss
    assert loss is not None
    assert (loss.median, loss.least, loss.most, loss.predicted, loss.bound) == (251, 240, 263, 260, 280)


def test_inconclusive_trials_do_not_count() -> None:
    trials = [*(trial(p99=p99) for p99 in (2.0, 2.0, 2.0)), trial(p99=900, outcome="inconclusive")]
    summary = summarise("cell", trials, asked=6)
    assert (summary.valid, summary.invalid) == (3, 1)
    assert summary.mean("p99") == pytest.approx(2)


@pytest.mark.parametrize(
    ("valid", "asked", "enough"), [(2, 6, False), (3, 6, True), (1, 1, True), (0, 1, False)]
)
def test_too_few_trials_give_no_figure(valid: int, asked: int, enough: bool) -> None:
    summary = summarise("cell", [trial()] * valid, asked=asked)
    assert summary.enough is enough
    assert (summary.loss is not None) is enough
    assert bool(summary.means) is enough


def test_the_document_has_no_interval_where_there_is_none() -> None:
    document = summarise("cell", [trial(p99=3)], asked=1).document()
    assert document["p99"] == {"mean": pytest.approx(3), "low": None, "high": None}


@pytest.mark.parametrize(
    ("trials", "agreed"),
    [
        ([trial(), trial()], False),
        ([trial()] * 3, True),
        ([trial(lost=250), trial(lost=252), trial(lost=255)], True),
        ([trial(lost=250), trial(lost=300), trial(lost=400)], False),
        # 4 writes more or less are 8 ms of 500 a second.
        ([trial(lost=0), trial(lost=4), trial(lost=0)], True),
        ([trial(p99=2.0), trial(p99=2.9), trial(p99=4.0)], False),
        ([trial(), trial(), trial(outcome="inconclusive")], False),
        ([trial(p99=2.0), trial(p99=2.0), trial(p99=0)], False),
    ],
)
def test_trials_agree_when_loss_and_p99_are_known_well_enough(trials: list[Trial], agreed: bool) -> None:
    assert agree(trials) is agreed


def test_a_figure_that_some_trials_lack_is_of_those_that_have_it() -> None:
    trials = [trial(), trial(), trial(persist_lag_p99=600), trial()]
    assert summarise("cell", trials, asked=4).mean("persist_lag_p99") == pytest.approx(600)
