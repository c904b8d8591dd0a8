"""The journal in which runs note what they are about to change."""

import json
import os
from pathlib import Path

import pytest

from stack.errors import StateUnusable
from stack.local.process import identify
from stack.state.directory import UNDO_LOGS
from stack.undo_log import RunChanges, UndoLog, borrowed_settings, undo_logs


@pytest.fixture
def journal(tmp_path: Path) -> UndoLog:
    return UndoLog(tmp_path / "lab", "demo retries")


def test_what_is_noted_is_there_before_it_is_done(journal: UndoLog, tmp_path: Path) -> None:
    journal.note_settings({"failure_rate": "0.1"}, ["failure_rate", "max_retries"])
    journal.note_services("worker")
    journal.note_dead_letters()
    (noted,) = undo_logs(tmp_path / "lab")
    assert not noted.abandoned
    assert noted.owner == identify(os.getpid())
    changes = noted.changes
    assert (changes.run, changes.services, changes.dead_letters) == ("demo retries", ("worker",), True)
    assert changes.settings == {"failure_rate": "0.1", "max_retries": None}
    assert borrowed_settings(tmp_path / "lab") == changes.settings


def test_the_first_value_counts(journal: UndoLog, tmp_path: Path) -> None:
    journal.note_settings({}, ["failure_rate"])
    journal.note_settings({"failure_rate": "1.0"}, ["failure_rate"])
    assert borrowed_settings(tmp_path / "lab") == {"failure_rate": None}


def test_nothing_is_left_once_all_is_as_it_was(journal: UndoLog, tmp_path: Path) -> None:
    journal.clear()
    journal.note_services("redis")
    journal.clear()
    assert list((tmp_path / "lab").iterdir()) == []


def test_the_journal_of_a_process_that_ended_is_abandoned(journal: UndoLog, tmp_path: Path) -> None:
    """Even if another process has its pid by now."""
    journal.note_services("worker")
    (path,) = (tmp_path / "lab").glob(UNDO_LOGS)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "birth": "long ago"}))
    (noted,) = undo_logs(tmp_path / "lab")
    assert noted.abandoned


@pytest.mark.parametrize(
    "content", ["", "junk", "[]", '{"format": 1}', '{"format": 1, "pid": "x"}', '{"format": 9}']
)
def test_a_journal_that_cannot_be_read_is_nobodys(tmp_path: Path, content: str) -> None:
    (tmp_path / "run-1.json").write_text(content)
    assert list(undo_logs(tmp_path)) == []


def test_where_nothing_can_be_noted_nothing_may_be_changed(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("in the way")
    with pytest.raises(StateUnusable):
        UndoLog(tmp_path / "lab", "demo retries").note_services("worker")


def test_a_part_that_has_undone_its_own_changes_leaves_those_of_the_rest(
    journal: UndoLog, tmp_path: Path
) -> None:
    journal.note_services("redis")
    before = journal.changes
    journal.note_services("worker")
    journal.note_dead_letters()
    journal.go_back(before)
    (noted,) = undo_logs(tmp_path / "lab")
    assert (noted.changes.services, noted.changes.dead_letters) == (("redis",), False)
    journal.clear()
    journal.note_services("worker")
    journal.go_back(RunChanges(run="demo retries"))
    assert not list(undo_logs(tmp_path / "lab"))
