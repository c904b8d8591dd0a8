"""runs: what the list says of each run, and what is removed."""

import os
from pathlib import Path

import msgspec
import pytest

from labctl.commands.runs import _verdict
from labctl.runs.summary import RunSummary
from scenarios.journal import files
from scenarios.judge.history import History
from stack.local.process import identify
from tests.journals import ENVIRONMENT, write_journal
from tests.unit.labctl.conftest import Cli
from tests.unit.labctl.reports.stories import journal


def running(home: Path) -> str:
    run = "20260101T130000Z-load-basic"
    me = identify(os.getpid())
    assert me
    about = msgspec.structs.replace(
        ENVIRONMENT, run=run, scenario="load-basic", pid=me.pid, process_started=me.start_time
    )
    write_journal(home / files.FOLDER, History(), None, environment=about, close=False)
    return run


@pytest.mark.parametrize(
    ("summary", "word"),
    [
        (RunSummary(run="x", state="complete", verdict="valid", outcome="expected"), "valid"),
        (
            RunSummary(run="x", state="complete", verdict="valid", outcome="unexpected"),
            "valid, not as expected",
        ),
        (
            RunSummary(run="x", state="complete", verdict="valid", outcome="inconclusive"),
            "valid, inconclusive",
        ),
        (RunSummary(run="x", state="complete", outcome="inconclusive"), "none, inconclusive"),
        (RunSummary(run="x", state="cut off"), "cut off"),
        (RunSummary(run="x", state="cut off", damage="line 3 was changed"), "damaged"),
        (RunSummary(run="x", state="damaged", damage="junk"), "damaged"),
    ],
)
def test_the_list_says_what_keeps_a_run_from_being_as_expected(summary: RunSummary, word: str) -> None:
    assert _verdict(summary) == word


def test_a_mistake_in_one_word_removes_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    path = journal(tmp_path / "runs")
    code, _, err = cli("runs", "rm", "data-loss", "nonsense")
    assert (code, "no recorded run matches" in err, path.exists()) == (2, True, True)
    code, _, _ = cli("runs", "rm", "data-loss", "last")
    assert (code, path.exists()) == (0, False)


def test_a_run_that_goes_on_is_not_removed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    kept, run = journal(tmp_path / "runs"), running(tmp_path)
    code, _, err = cli("runs", "rm", "data-loss", run)
    assert (code, f"{run} is still running" in err, kept.exists()) == (2, True, True)
