"""Every named figure comes from the journal, and what was not measured says why."""

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.events import Measured
from scenarios.figures.names import FIGURES
from scenarios.journal.lines import SampleLine
from tests.unit.scenarios.figures.journalled import figures_of, noisy, written
from tests.unit.scenarios.histories import refused, unknown


def test_latencies_are_those_of_the_hold_from_when_writes_were_due(tmp_path: Path) -> None:
    hold = [replace(write, due_at=write.sent_at - 0.1) for write in written(2, lambda at: 10)]
    apart = [
        replace(write, product=f"{group}-{write.product}")
        for group, ms in (("ramp", 900), ("outage", 9000))
        for write in written(2, lambda at, ms=ms: ms, group=group)  # type: ignore[misc]
    ]
    found = figures_of(tmp_path, [*hold, *apart]).figures
    assert found["p50"].value == pytest.approx(110, rel=0.01)
    assert found["max"].value == pytest.approx(110, rel=0.01)
    assert found["p50"].samples == len(hold)
    assert found["acknowledged"].value == 3 * len(hold)


def test_an_outage_does_not_count_against_the_rate_of_the_hold(tmp_path: Path) -> None:
    writes = [
        replace(write, group="outage", answer="unknown", version=None, finished_at=14.0)
        if 10 <= write.sent_at < 14
        else write
        for write in written(30, lambda at: 5)
    ]
    measured = Measured("writes_per_second", "", 20.0, "writes/s")
    run = figures_of(tmp_path, writes, events=[measured])
    draws = run.draws("writes_per_second")
    assert draws is not None
    assert draws.interval.low == draws.interval.high == run.figures["writes_per_second"].value


def test_a_demo_without_a_load_has_figures_too(tmp_path: Path) -> None:
    found = figures_of(tmp_path, written(2, lambda at: 5, group="queued at the crash"), lost=3).figures
    assert found["p99"].value == pytest.approx(5, rel=0.01)
    assert (found["lost"].value, found["lost_products"].value) == (3, 3)
    assert found["writes_per_second"].value == pytest.approx(20, rel=0.05)
    assert found["throughput"].missing == "only a load has a throughput"


def test_percentiles_are_those_that_the_load_measured(tmp_path: Path) -> None:
    figures = {"p99_ms": 77.0, "read_p99_ms": 3.5, "unsent": 9}
    events = [Measured(key, "", value) for key, value in figures.items()]
    run = figures_of(tmp_path, written(30, noisy(1, 10)), events=events)
    assert (run.figures["p99"].value, run.figures["read_p99"].value) == (77, 3.5)
    # The journal has no lines of requests that were never sent.
    assert run.draws("p50") is None


def test_the_persist_lag_is_that_of_the_judge(tmp_path: Path) -> None:
    run = figures_of(tmp_path, written(3, lambda at: 1), lag_s=0.25)
    assert {run.figures[f"persist_lag_{which}"].value for which in ("p50", "p99", "max")} == {250}
    assert run.figures["persist_lag_p50"].samples == 60


def test_the_queue_and_the_totals_come_from_samples(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("inflight", "retrying", "dead_letters", "accepted"), 0)
    lines = [
        SampleLine(at=n, queue=queue, coalesced=n, persisted=2 * n, **nothing)  # type: ignore[arg-type]
        for n, queue in enumerate((3, 8, 0))
    ]
    found = figures_of(tmp_path, written(1, lambda at: 1), lines=lines).figures
    assert (found["queue_max"].value, found["coalesced"].value, found["persisted"].value) == (8, 2, 4)


def test_of_a_run_without_writes_nothing_is_measured_and_each_figure_says_why(tmp_path: Path) -> None:
    run = figures_of(tmp_path, [])
    assert list(run.figures) == list(FIGURES)
    assert {name for name, figure in run.figures.items() if figure.value is not None} == set()
    assert all(figure.missing for figure in run.figures.values())


def test_writes_that_were_only_refused_are_counted_and_not_timed(tmp_path: Path) -> None:
    found = figures_of(tmp_path, [refused("a"), unknown("b")]).figures
    assert [found[name].value for name in ("acknowledged", "refused", "unknown", "lost")] == [0, 1, 1, None]
    assert found["lost"].missing == "no write was acknowledged"


def test_a_run_that_was_cut_off_may_have_lost_everything(tmp_path: Path) -> None:
    lost = figures_of(tmp_path, written(1, lambda at: 1), read=False).figures["lost"]
    assert (lost.value, lost.at_most) == (0, 20)
