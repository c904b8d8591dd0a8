"""compare, from its words to its exit code."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scenarios.events import Event, VerdictReached
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.judge.verdict import judge
from tests.journals import ENVIRONMENT, FINISHED, write_journal
from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.figures.journalled import noisy, written
from tests.unit.scenarios.histories import row

BASE, RUN = "20260101T120000Z-load-basic", "20260101T130000Z-load-basic"


def record(
    home: Path,
    run: str,
    around_ms: float,
    *,
    seed: int = 1,
    seconds: int = 25,
    scenario: str = "load-basic",
    **how: Any,
) -> Path:
    """A recorded load."""
    folder = home / "runs"
    folder.mkdir(exist_ok=True)
    writes = written(seconds, noisy(seed, around_ms))
    found = Findings(rows={str(write.product): row(write.version or 0) for write in writes})
    about = msgspec.structs.replace(ENVIRONMENT, run=run, scenario=scenario, command="load basic")
    history = History(writes=writes)
    events: list[Event] = [VerdictReached(judge(history, found)), FINISHED]
    return write_journal(folder, history, found, events=events, environment=about, **how)


def test_a_slower_run_ends_with_1_and_says_what_is_slower(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path, BASE, 12)
    record(tmp_path, RUN, 18, seed=2)
    code, out, err = cli("compare", BASE, RUN)
    assert code == 1
    assert "p50 rose from" in out
    assert "clearly slower" in out
    assert "Same scenario, settings, versions and machine." in err


def test_a_run_alike_ends_with_0_and_the_second_run_is_the_last(cli: Cli, tmp_path: Path) -> None:
    base = record(tmp_path, BASE, 12)
    record(tmp_path, RUN, 12, seed=2)
    code, out, _ = cli("compare", str(base))
    assert code == 0
    assert "no difference that can be told from noise" in out
    assert "passed: the run is not worse than the base" in out


def test_what_short_runs_can_not_tell_is_said_in_the_last_line(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path, BASE, 12, seconds=2)
    record(tmp_path, RUN, 4000, seconds=2)
    code, out, _ = cli("compare", BASE, RUN)
    assert code == 0
    last = " ".join(out.rpartition("not worse, ")[2].split())
    assert last.startswith(
        "as far as can be told: nothing is concluded from p50, p95, p99, writes_per_second"
    )


def test_the_threshold_decides(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path, BASE, 12)
    record(tmp_path, RUN, 18, seed=2)
    assert [cli("compare", BASE, "--threshold", limit)[0] for limit in ("80%", "80", "5 %")] == [0, 0, 1]


@pytest.mark.parametrize("threshold", ["", "ten", "-5%", "nan", "5%%", "\u0665"])
def test_a_threshold_that_is_none_is_a_mistake(threshold: str, cli: Cli, tmp_path: Path) -> None:
    record(tmp_path, BASE, 12)
    code, _, err = cli("compare", BASE, BASE, f"--threshold={threshold}")
    assert code == 2
    assert "such as 10%" in err


def test_json_has_every_figure_with_its_intervals(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path, BASE, 12)
    record(tmp_path, RUN, 18, seed=2)
    code, out, _ = cli("compare", BASE, RUN, "--json")
    document = json.loads(out)
    assert (code, document["base"], document["run"], document["result"]) == (1, BASE, RUN, "worse")
    p50 = document["figures"]["p50"]
    assert p50["judgement"] == "worse"
    assert p50["difference_interval"][0] > 0
    assert p50["base_interval"][0] < p50["base"] < p50["base_interval"][1]
    assert document["checks"] == [
        {"check": "the measurement is valid", "state": "passes", "base": "valid", "run": "valid"}
    ]


def test_a_run_that_was_cut_off_decides_nothing(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path, BASE, 12)
    record(tmp_path, RUN, 18, seed=2, close=False)
    code, out, _ = cli("compare", BASE, RUN)
    assert code == 3
    assert "cut off" in out


def test_runs_that_measured_nothing_decide_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    about = msgspec.structs.replace(ENVIRONMENT, run=BASE)
    write_journal(tmp_path / "runs", History(writes=[]), Findings(), events=[FINISHED], environment=about)
    code, out, _ = cli("compare", BASE, BASE)
    assert code == 3
    assert "nothing was measured in both runs" in out


def test_another_scenario_is_named_first(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path, BASE, 12)
    record(tmp_path, RUN.replace("load-basic", "load-quick"), 12, seed=2, scenario="load-quick")
    code, out, err = cli("compare", BASE)
    assert code == 0
    assert out.index("scenario") < out.index("Figures")
    assert "different scenarios" in err


def test_a_journal_that_was_changed_decides_nothing(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path, BASE, 12)
    path = record(tmp_path, RUN, 12, close=False)
    path.write_bytes(path.read_bytes().replace(b'"version":7,', b'"version":8,', 1))
    code, out, _ = cli("compare", BASE, RUN)
    assert code == 3
    assert "was changed" in out
    assert cli("compare", BASE, "nosuch")[0] == 2


def test_expectations_that_make_no_sense_are_refused_before_a_lab_is_touched(cli: Cli) -> None:
    for command in (["load", "quick"], ["demo", "basics"]):
        code, _, err = cli(*command, "--expect", "p99<20MB")
        assert code == 2
        assert "'MB' is not a unit of p99" in err
        assert "us, ms, s, min" in err
    assert cli.lab.asked == []
