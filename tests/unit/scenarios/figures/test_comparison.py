"""Changes are told from noise. Worse is what is worse beyond the threshold, more lost, or newly fails."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scenarios.events import Checked, Measured
from scenarios.figures.changes import Change
from scenarios.figures.comparison import CheckState, Comparison, compare
from scenarios.figures.run_figures import RunFigures
from tests.unit.scenarios.figures.journalled import figures_of, noisy, written

SECONDS = 25


def steady(folder: Path, seed: int, around_ms: float = 12, **how: Any) -> RunFigures:
    """A run whose latencies vary by a fifth."""
    (folder / str(seed)).mkdir()
    return figures_of(folder / str(seed), written(SECONDS, noisy(seed, around_ms)), **how)


def changed(comparison: Comparison) -> Mapping[str, Change]:
    return {change.name: change for change in comparison.changes}


def with_checks(run: RunFigures, **passed: bool | None) -> RunFigures:
    return replace(run, checks={name: Checked(name, "", "", passed[name]) for name in passed})


def test_a_run_that_is_30_percent_slower_is_clearly_slower(tmp_path: Path) -> None:
    comparison = compare(steady(tmp_path, 1), steady(tmp_path, 2, 15.6))
    for name in ("p50", "p95"):
        assert changed(comparison)[name].is_worse
    sentence = changed(comparison)["p50"].sentence
    assert sentence.startswith("p50 rose from 1")
    assert sentence.endswith("%): clearly slower")
    assert any(reason.startswith("p50 rose") for reason in comparison.reasons)


def test_a_run_that_is_30_percent_faster_is_not_worse(tmp_path: Path) -> None:
    comparison = compare(steady(tmp_path, 1, 15.6), steady(tmp_path, 2))
    assert changed(comparison)["p50"].kind == "better"
    assert changed(comparison)["p50"].sentence.endswith("clearly faster")
    assert comparison.reasons == ()


def test_two_runs_alike_do_not_differ(tmp_path: Path) -> None:
    comparison = compare(steady(tmp_path, 1), steady(tmp_path, 2))
    change = changed(comparison)["p95"]
    assert change.sentence.endswith("; no difference that can be told from noise")
    assert change.interval is not None
    assert change.interval.low < 0 < change.interval.high
    assert comparison.reasons == ()


def test_a_run_does_not_differ_from_itself(tmp_path: Path) -> None:
    run = steady(tmp_path, 1, lag_s=0.3)
    comparison = compare(run, run)
    assert {change.kind for change in comparison.changes} <= {"noise", "same", "unclear"}
    unclear = {change.name for change in comparison.changes if change.kind == "unclear"}
    assert unclear == {"max", "persist_lag_max"}
    assert comparison.differences == ()


def test_a_difference_within_the_threshold_is_told_and_forgiven(tmp_path: Path) -> None:
    runs = steady(tmp_path, 1), steady(tmp_path, 2, 13)
    within, beyond = compare(*runs, threshold=0.2), compare(*runs, threshold=0.02)
    assert changed(within)["p50"].sentence.endswith("slower, but by no more than 20 %")
    assert within.reasons == ()
    assert changed(beyond)["p50"].is_worse


def test_of_a_short_run_nothing_is_concluded(tmp_path: Path) -> None:
    short = []
    for name, ms in (("one", 5.0), ("two", 50.0)):
        (tmp_path / name).mkdir()
        short.append(figures_of(tmp_path / name, written(3, noisy(1, ms))))
    comparison = compare(*short)
    assert changed(comparison)["p50"].sentence.endswith("too few to tell whether that is noise")
    assert comparison.reasons == ()


def test_a_lag_that_differs_by_less_than_it_is_measured_to_does_not_differ(tmp_path: Path) -> None:
    one, other = steady(tmp_path, 1, lag_s=0.3), steady(tmp_path, 2, lag_s=0.32)
    coarse = replace(one, lag_resolution_ms=25.0)
    exact = [replace(run, lag_resolution_ms=0.0) for run in (one, other)]
    assert changed(compare(coarse, other))["persist_lag_p50"].kind == "noise"
    assert changed(compare(*exact, threshold=0.01))["persist_lag_p50"].kind == "worse"


@pytest.mark.parametrize(
    ("before", "after", "worse"), [(0, 1, True), (2, 2, False), (3, 1, False), (1, 3, True)]
)
def test_more_lost_writes_are_worse_whatever_the_threshold(
    before: int, after: int, worse: bool, tmp_path: Path
) -> None:
    comparison = compare(steady(tmp_path, 1, lost=before), steady(tmp_path, 2, lost=after), threshold=9.0)
    assert changed(comparison)["lost"].is_worse is worse
    assert bool(comparison.reasons) is worse


def test_what_may_have_been_lost_before_is_not_more_lost_now(tmp_path: Path) -> None:
    comparison = compare(steady(tmp_path, 1, read=False), steady(tmp_path, 2, lost=3))
    assert not changed(comparison)["lost"].is_worse


def test_reads_are_compared_without_a_judgement(tmp_path: Path) -> None:
    runs = [steady(tmp_path, n, events=[Measured("read_p99_ms", "", 10.0 * n, "ms")]) for n in (1, 2)]
    assert changed(compare(*runs))["read_p99"].sentence == (
        "read_p99 rose from 10 to 20 ms (+100 %): how much it varied is not recorded"
    )


def test_a_figure_that_only_one_run_has_says_why(tmp_path: Path) -> None:
    comparison = compare(steady(tmp_path, 1, lag_s=0.2), steady(tmp_path, 2))
    assert changed(comparison)["persist_lag_p50"].sentence == (
        "persist_lag_p50 was not measured in the second run: no write was seen to arrive in PostgreSQL"
    )
    assert "read_p50" not in changed(comparison)


@pytest.mark.parametrize(
    ("before", "after", "state", "worse"),
    [
        ({"c": True}, {"c": True}, "passes", False),
        ({"c": True}, {"c": False}, "regressed", True),
        ({"c": True}, {"c": None}, "regressed", True),
        ({"c": False}, {"c": True}, "resolved", False),
        ({"c": None}, {"c": True}, "resolved", False),
        ({"c": False}, {"c": False}, "still", False),
        ({"c": None}, {"c": False}, "still", False),
        ({}, {"c": True}, "added", False),
        ({}, {"c": False}, "new", True),
        ({"c": False}, {}, "gone", False),
    ],
)
def test_checks_are_new_resolved_still_failing_or_regressed(
    before: dict[str, bool | None],
    after: dict[str, bool | None],
    state: CheckState,
    worse: bool,
    tmp_path: Path,
) -> None:
    run = steady(tmp_path, 1)
    comparison = compare(with_checks(run, **before), with_checks(run, **after))
    (found,) = [check for check in comparison.checks if check.claim == "c"]
    assert found.state == state
    assert bool(comparison.reasons) is worse


def test_what_the_runs_were_not_made_on_alike_is_named(tmp_path: Path) -> None:
    one = steady(tmp_path, 1, settings={"coalescing_window_ms": 500}, options={"expect": ["p99<1s"]})
    other = steady(tmp_path, 2, settings={"coalescing_window_ms": 50}, runtime="docker", machine={"cpus": 8})
    found = {each.what: (each.before, each.after) for each in compare(one, other).differences}
    assert found["coalescing_window_ms"] == ("500", "50")
    assert found["runtime"] == ("local", "docker")
    assert found["machine: cpus"] == ("2", "8")
    assert found["machine: memory_mb"] == ("8192", "-")
    assert "expect" not in found
