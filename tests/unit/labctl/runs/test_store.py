"""Recorded runs: found by many names, listed in any state, and bounded in number and size."""

import os
from pathlib import Path

import msgspec
import pytest

from labctl.cli.settings import Keep
from labctl.runs.store import Runs
from scenarios.events import Measured
from scenarios.journal import files
from scenarios.journal.lines import EventLine, WriteLine
from scenarios.judge.history import History
from stack.errors import EnvironmentFault, UsageError
from stack.local.process import identify
from tests.journals import ENVIRONMENT, FINISHED, with_verdict, write_journal
from tests.unit.scenarios.recheck.test_recheck import FOUND, HISTORY, VERDICT


def recorded(home: Path, second: int, *, scenario: str = "data-loss", lab: str = "lab42") -> str:
    """A whole run; returns its name."""
    run = f"20260101T1200{second:02}Z-{scenario}"
    about = msgspec.structs.replace(ENVIRONMENT, run=run, scenario=scenario, lab=lab)
    write_journal(home / files.FOLDER, HISTORY, FOUND, events=with_verdict(VERDICT), environment=about)
    return run


def cut_off(home: Path, second: int, *, alive: bool = False) -> str:
    run = f"20260101T1200{second:02}Z-load-basic"
    me = identify(os.getpid())
    assert me
    about = msgspec.structs.replace(
        ENVIRONMENT,
        run=run,
        scenario="load-basic",
        **({"pid": me.pid, "process_started": me.start_time} if alive else {}),
    )
    write_journal(home / files.FOLDER, History(), None, environment=about, close=False)
    return run


def test_a_run_is_found_by_its_name_its_scenario_last_and_its_file(tmp_path: Path) -> None:
    first, second = recorded(tmp_path, 1), recorded(tmp_path, 2)
    third = recorded(tmp_path, 3, scenario="latency")
    runs = Runs(tmp_path)
    assert list(runs.journals()) == [first, second, third]
    assert files.run_of(runs.find()) == third
    assert files.run_of(runs.find("data-loss")) == second
    assert files.run_of(runs.find(first)) == first
    assert runs.open(str(runs.find(first))).run == first
    with pytest.raises(UsageError, match="no recorded run matches"):
        runs.find("basics")
    with pytest.raises(UsageError, match="there is no file"):
        runs.find("./nowhere.jsonl")


def test_a_file_s_name_is_looked_for_among_its_own_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCTL_HOME", str(tmp_path / "another"))
    run = recorded(tmp_path, 1)
    assert files.run_of(Runs(tmp_path).find(f"{run}.jsonl.gz")) == run
    with pytest.raises(UsageError, match="there is no file"):
        Runs(tmp_path / "another").find(f"{run}.jsonl.gz")


def test_without_any_run_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="no run is recorded yet"):
        Runs(tmp_path).find()
    assert Runs(tmp_path).summaries() == []


def test_runs_of_one_lab_or_runtime(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    other = recorded(tmp_path, 2, lab="other")
    assert list(Runs(tmp_path, "other").journals()) == [other]
    assert list(Runs(tmp_path, None, "docker").journals()) == []
    assert len(Runs(tmp_path, None, "auto").journals()) == 2


def test_the_list_says_what_was_run_on_what_and_what_came_of_it(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    for _ in range(2):  # From the journal, and from what was kept of it.
        (summary,) = Runs(tmp_path).summaries()
        assert (summary.command, summary.runtime, summary.policy) == (
            "demo data-loss",
            "local",
            "write_behind",
        )
        assert (summary.window_ms, summary.batch_size) == (500, 500)
        assert (summary.acknowledged, summary.lost, summary.verdict) == (6, 2, "valid")
        assert (summary.state, summary.outcome) == ("complete", "expected")
        assert summary.p99_ms == pytest.approx(100)
        assert summary.started_at == "2026-01-01T12:00:00.000+00:00"


def test_the_list_shows_the_figures_that_a_load_reported_itself(tmp_path: Path) -> None:
    """They are of its hold, and a request's wait for a free connection is in them."""
    about = msgspec.structs.replace(ENVIRONMENT, run="20260101T120001Z-load-basic", scenario="load-basic")
    reported = (
        Measured("writes_per_second", "", 501.0),
        Measured("p99_ms", "", 2195.0),
        Measured("x", "", 1),
    )
    write_journal(tmp_path / files.FOLDER, HISTORY, FOUND, events=(*reported, FINISHED), environment=about)
    (summary,) = Runs(tmp_path).summaries()
    assert (summary.writes_per_second, summary.p99_ms) == (501.0, 2195.0)


@pytest.mark.parametrize("value", [[1], {}, "fast", True])
def test_a_figure_that_is_no_number_is_not_listed(tmp_path: Path, value: object) -> None:
    forged = EventLine(name="Measured", event={"key": "p99_ms", "label": "", "value": value, "unit": "ms"})
    write_journal(tmp_path / files.FOLDER, HISTORY, FOUND, lines=[forged], events=with_verdict(VERDICT))
    (summary,) = Runs(tmp_path).summaries()
    assert summary.p99_ms == pytest.approx(100)


def test_a_moment_beyond_all_reckoning_does_not_break_the_list(tmp_path: Path) -> None:
    forged = WriteLine(operation="create", answer="acknowledged", value={}, sent=0.0, finished=1e308)
    write_journal(tmp_path / files.FOLDER, HISTORY, FOUND, lines=[forged], events=with_verdict(VERDICT))
    (summary,) = Runs(tmp_path).summaries()
    assert "320000000" in summary.damage


def test_runs_that_did_not_end_are_listed_as_they_are(tmp_path: Path) -> None:
    cut_off(tmp_path, 1)
    cut_off(tmp_path, 2, alive=True)
    (tmp_path / files.FOLDER / "20260101T120003Z-basics.jsonl.gz").write_bytes(b"\x1f\x8bjunk")
    (tmp_path / files.FOLDER / "20260101T120004Z-basics.jsonl").mkdir()
    states = [summary.state for summary in Runs(tmp_path).summaries()]
    assert states == ["cut off", "running", "damaged", "damaged"]


def test_a_summary_of_another_file_is_not_taken_for_this_one(tmp_path: Path) -> None:
    run = recorded(tmp_path, 1)
    runs = Runs(tmp_path)
    runs.summaries()
    path = runs.find(run)
    path.write_bytes(path.read_bytes()[:-40])
    (summary,) = runs.summaries()
    assert summary.state == "cut off"
    assert "damaged" in summary.damage


def test_the_oldest_go_beyond_the_number_and_the_size(tmp_path: Path) -> None:
    names = [recorded(tmp_path, second) for second in range(4)]
    runs = Runs(tmp_path)
    runs.summaries()
    size = runs.find(names[0]).stat().st_size
    assert sorted(runs.prune(Keep(runs=3))) == names[:1]
    assert sorted(runs.prune(Keep(bytes=2 * size + 50))) == names[1:2]
    assert runs.prune(Keep()) == []
    assert sorted(runs.prune(Keep(runs=1, bytes=1))) == names[2:3]
    assert {path.name.split(".")[0] for path in (tmp_path / files.FOLDER).iterdir()} == {names[3]}


def test_a_run_that_goes_on_is_never_pruned(tmp_path: Path) -> None:
    going_on, _ = cut_off(tmp_path, 1, alive=True), cut_off(tmp_path, 2)
    newest = recorded(tmp_path, 3)
    Runs(tmp_path).prune(Keep(runs=1))
    assert list(Runs(tmp_path).journals()) == [going_on, newest]


def test_what_an_interrupted_compression_left_goes_away(tmp_path: Path) -> None:
    run = cut_off(tmp_path, 1)
    (tmp_path / files.FOLDER / f"{run}.jsonl.partial").touch()
    Runs(tmp_path).prune(Keep())
    assert [path.name for path in (tmp_path / files.FOLDER).iterdir()] == [f"{run}.jsonl"]


def test_a_leftover_that_stays_does_not_keep_runs_from_being_pruned(tmp_path: Path) -> None:
    first, second = recorded(tmp_path, 1), recorded(tmp_path, 2)
    (tmp_path / files.FOLDER / f"{first}.jsonl.partial").mkdir()
    assert Runs(tmp_path).prune(Keep(runs=1)) == [first]
    assert list(Runs(tmp_path).journals()) == [second]


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / files.FOLDER).write_text("in the way")
    assert Runs(tmp_path).journals() == {}
    run = recorded(tmp_path / "other", 1)
    Runs(tmp_path / "other").remove(run)
    assert Runs(tmp_path / "other").journals() == {}


@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("", Keep()),
        ("50", Keep(runs=50)),
        ("500MB", Keep(bytes=500_000_000)),
        (" 7, 2gb ", Keep(7, 2_000_000_000)),
    ],
)
def test_how_much_is_kept(text: str, keep: Keep) -> None:
    assert Keep.parse(text) == keep


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5GB", "5TB", "0MB", "10 20"])
def test_what_is_no_amount_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="LABCTL_KEEP_RUNS"):
        Keep.parse(text)
