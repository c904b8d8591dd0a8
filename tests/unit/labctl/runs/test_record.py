"""The record of a run, and its replay."""

import io
import json
import math
from pathlib import Path

import pytest

from labctl.render.plain import PlainRenderer
from labctl.runs.record import RunRecord, replay
from labctl.runs.store import Runs, read_run, scenario_of
from scenarios.events import Measured
from stack.errors import StateUnusable, UsageError
from tests.unit.labctl.scripted import DATA_LOSS


@pytest.fixture
def record() -> RunRecord:
    record = RunRecord()
    for event in DATA_LOSS:
        record.on(event)
    return record


def test_a_replayed_run_shows_the_same_results(record: RunRecord) -> None:
    def results(events: object) -> str:
        out = io.StringIO()
        renderer = PlainRenderer(out, io.StringIO())
        for event in events:  # type: ignore[attr-defined]
            renderer.on(event)
        return out.getvalue()

    document = json.loads(json.dumps(record.document))
    assert results(replay(document)) == results(DATA_LOSS)


def test_a_run_without_an_end_has_no_outcome() -> None:
    with pytest.raises(LookupError):
        _ = RunRecord().finished


def test_a_figure_that_json_lacks_is_shown_as_not_a_number(record: RunRecord, tmp_path: Path) -> None:
    record.on(Measured("ratio", "ratio", math.inf))
    saved = read_run(Runs(tmp_path).save(record.document))
    assert saved["measured"]["ratio"]["value"] is None
    shown = [event for event in replay(saved) if isinstance(event, Measured)]
    assert math.isnan(float(shown[-1].value))


def test_a_record_of_a_run_that_did_not_end_is_told() -> None:
    unfinished = RunRecord()
    unfinished.on(DATA_LOSS[0])
    with pytest.raises(ValueError, match="no outcome"):
        list(replay(unfinished.document))


@pytest.mark.parametrize(
    "document", [{}, {"schema": 1}, {"schema": 2}, {"schema": 2, "scenario": "x", "title": 1, "steps": 3}]
)
def test_what_is_no_record_is_told(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"schema|record"):
        list(replay(document))


def test_runs_are_found_by_name_newest_first(tmp_path: Path, record: RunRecord) -> None:
    runs = Runs(tmp_path)
    assert runs.paths() == []
    first, second = runs.save(record.document), runs.save(record.document)
    assert runs.paths() == [first, second]
    assert runs.find("data-loss") == second
    assert runs.find(first.stem) == first
    assert scenario_of(first) == "data-loss"
    assert read_run(first)["outcome"] == "unexpected"
    with pytest.raises(UsageError, match="no recorded run"):
        runs.find("latency")


def test_old_runs_make_room(tmp_path: Path, record: RunRecord) -> None:
    runs = Runs(tmp_path)
    saved = [runs.save(record.document) for _ in range(103)]
    assert runs.paths() == saved[3:]


def test_a_broken_record_is_told(tmp_path: Path) -> None:
    path = tmp_path / "20260101T000000.000000Z-x.json"
    for text in ("{", "[]"):
        path.write_text(text)
        with pytest.raises(StateUnusable):
            read_run(path)


def test_an_unwritable_directory_is_told(tmp_path: Path, record: RunRecord) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(StateUnusable, match="can't be written"):
        Runs(tmp_path).save(record.document)
