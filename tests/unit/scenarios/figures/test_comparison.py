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


def load(folder: Path, seed: int, around_ms: float = 12, **measured: float) -> RunFigures:
    """The same, of a load that measured these figures."""
    events = [Measured(key, "", value) for key, value in {"requests": 1000, **measured}.items()]
    return steady(folder, seed, around_ms, events=events)


def test_more_requests_that_were_never_sent_are_worse_though_latencies_can_not_be_compared(
    tmp_path: Path,
) -> None:
    stalled = load(tmp_path, 2, 4000, unsent=300)
    comparison = compare(load(tmp_path, 1), stalled)
    assert comparison.reasons == ("unsent rose from 0 to 300 requests: more of them",)
    p50 = changed(comparison)["p50"]
    assert (p50.kind, p50.sentence.rpartition(": ")[2]) == (
        "unclear",
        "requests that were never sent are not in the journal",
    )
    assert compare(stalled, stalled).reasons == ()
    assert changed(compare(stalled, load(tmp_path, 3)))["unsent"].kind == "better"


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (0, 50, "worse"),
        (0, 5, "changed"),
        (200, 230, "worse"),
        (200, 215, "changed"),
        (50, 0, "better"),
        (7, 7, "same"),
    ],
)
def test_errors_are_judged_by_their_share(before: int, after: int, kind: str, tmp_path: Path) -> None:
    comparison = compare(load(tmp_path, 1, errors=before), load(tmp_path, 2, errors=after))
    assert changed(comparison)["errors"].kind == kind
    assert bool(comparison.reasons) is (kind == "worse")


def test_a_longer_run_has_more_errors_and_is_not_worse_for_that(tmp_path: Path) -> None:
    short, long = load(tmp_path, 1, errors=100), load(tmp_path, 2, errors=400, requests=4000)
    assert compare(short, long).reasons == ()
    (sentence,) = compare(short, load(tmp_path, 3, errors=400)).reasons
    assert sentence == "errors rose from 100 to 400 requests (+300 %): 10 % and 40 % of requests"


def test_a_load_that_is_refused_half_of_its_writes_has_a_lower_rate(tmp_path: Path) -> None:
    runs = []
    for name, refused in (("one", 0), ("two", 2)):
        (tmp_path / name).mkdir()
        writes = [
            replace(write, answer="refused", version=None) if n % 4 < refused else write
            for n, write in enumerate(written(SECONDS, noisy(1, 12)))
        ]
        runs.append(figures_of(tmp_path / name, writes))
    change = changed(compare(*runs))["writes_per_second"]
    assert change.is_worse
    assert change.after_interval is not None
    assert change.after_interval.low <= 10 <= change.after_interval.high


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
