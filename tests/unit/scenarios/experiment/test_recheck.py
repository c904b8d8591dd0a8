"""An experiment is as good as the journals of its trials."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from scenarios.experiment.recheck import ExperimentRecheck, recheck_experiment
from scenarios.journal.judgement import judge_journal
from scenarios.journal.reader import open_journal
from scenarios.judge.final_read import Findings, StoredValue
from scenarios.judge.history import History
from scenarios.judge.ledger import Write
from tests.journals import ENVIRONMENT, FINISHED, with_verdict, write_journal

EXPERIMENT = msgspec.structs.replace(ENVIRONMENT, run="20260101T110000Z-experiment", scenario="experiment")
VALUE = {"name": "n", "price": 1.0, "quantity": 1}
HISTORY = History(
    writes=[
        Write(
            product="p",
            operation="create",
            value=VALUE,
            answer="acknowledged",
            version=5,
            sent_at=1.0,
            finished_at=1.1,
        )
    ]
)
FINDINGS = Findings(rows={"p": StoredValue(version=5, value=VALUE)})


@dataclass(frozen=True, slots=True)
class Journals:
    own: Path
    trials: dict[str, Path]

    def recheck(self) -> ExperimentRecheck:
        return recheck_experiment(open_journal(self.own), self.trials)


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    trials = {}
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        draft = write_journal(folder, HISTORY, FINDINGS)
        verdict = judge_journal(open_journal(draft))
        draft.unlink()
        trials[f"trial-{number}"] = write_journal(folder, HISTORY, FINDINGS, events=with_verdict(verdict))
    own = write_journal(tmp_path, History(writes=[]), None, events=[FINISHED], environment=EXPERIMENT)
    return Journals(own, trials)


def test_the_verdicts_of_all_trials_are_the_same(journals: Journals) -> None:
    rechecked = journals.recheck()
    assert rechecked.result == "same"
    assert rechecked.state == "complete"
    assert rechecked.conclusion == "the verdict of 2 trials is the same."


def test_a_trial_that_was_changed_makes_the_experiment_one_that_cannot_be_trusted(journals: Journals) -> None:
    path = journals.trials["trial-2"]
    path.write_bytes(path.read_bytes()[:-30])
    rechecked = journals.recheck()
    assert rechecked.result == "different"
    assert "trial-2" in rechecked.conclusion


def test_a_trial_that_cannot_be_read_is_named(journals: Journals) -> None:
    journals.trials["trial-1"].write_bytes(b"nothing of the kind")
    rechecked = journals.recheck()
    assert rechecked.result == "different"
    assert list(rechecked.trials) == ["trial-2"]


def test_without_the_trials_nothing_is_confirmed(journals: Journals) -> None:
    journals.trials.clear()
    assert journals.recheck().result == "undecided"
