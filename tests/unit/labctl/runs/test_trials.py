"""The journals of an experiment's trials, beside those of other runs."""

from pathlib import Path

import pytest

from labctl.cli.settings import Keep
from labctl.runs.store import Runs
from scenarios.journal import files
from stack.errors import UsageError

EXPERIMENT = "20260101T000000Z-experiment"
TRIAL = f"{EXPERIMENT}/20260101T000001Z-load-basic"
LATER = "20260102T000000Z-basics"


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    for run in (EXPERIMENT, TRIAL, LATER):
        path = tmp_path / files.FOLDER / f"{run}{files.CLOSED}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1_000)
    return Runs(tmp_path)


def test_an_experiment_is_one_run_and_its_trials_are_found_by_name(runs: Runs) -> None:
    assert list(runs.journals()) == [EXPERIMENT, LATER]
    assert list(runs.trials(EXPERIMENT)) == [TRIAL]
    assert runs.find(TRIAL).name == "20260101T000001Z-load-basic.jsonl.gz"
    assert runs.find("experiment").name == f"{EXPERIMENT}.jsonl.gz"


@pytest.mark.parametrize("word", [f"{EXPERIMENT}/", f"{EXPERIMENT}/none", "../runs", f"..//{TRIAL}"])
def test_a_trial_that_is_not_there_is_refused(runs: Runs, word: str) -> None:
    with pytest.raises(UsageError):
        runs.find(word)
    assert not runs.trials(word)


def test_trials_go_with_their_experiment(runs: Runs, tmp_path: Path) -> None:
    runs.remove(EXPERIMENT)
    assert [path.name for path in (tmp_path / files.FOLDER).iterdir()] == [f"{LATER}.jsonl.gz"]


def test_the_size_of_an_experiment_is_that_of_all_its_journals(runs: Runs, tmp_path: Path) -> None:
    assert runs.prune(Keep(runs=10, bytes=3_000)) == []
    assert runs.prune(Keep(runs=10, bytes=2_999)) == [EXPERIMENT]
    assert not (tmp_path / files.FOLDER / EXPERIMENT).exists()
