"""The charts as data."""

from pathlib import Path

from msgspec.structs import replace

from labctl.reports.charts import Chart, charts_of
from scenarios.journal.lines import AnyLine, EventLine
from tests.unit.labctl.reports.stories import report_of, samples


def _charts(folder: Path, *lines: AnyLine, lost: int = 2) -> dict[str, Chart]:
    return {chart.key: chart for chart in charts_of(report_of(folder, lines=lines, lost=lost))}


def test_every_chart_has_a_value_for_each_x(tmp_path: Path) -> None:
    charts = _charts(tmp_path)
    assert list(charts) == ["queue", "rates", "latency", "latency_distribution", "persist_lag"]
    for chart in charts.values():
        assert all(len(series.values) == len(chart.x) for series in chart.series)
        assert list(chart.x) == sorted(chart.x)


def test_the_queue_and_the_rates_follow_the_samples(tmp_path: Path) -> None:
    charts = _charts(tmp_path)
    assert [series.values for series in charts["queue"].series] == [(0, 1, 2, 3, 4, 3, 2, 1)]
    rates = {series.label: set(series.values) for series in charts["rates"].series}
    assert rates == {"accepted": {40}, "coalesced": {16}, "persisted": {24}}


def test_where_totals_began_again_there_is_no_rate(tmp_path: Path) -> None:
    again = [replace(line, at=line.at + 2.0) for line in samples()]
    values = _charts(tmp_path, *again)["rates"].series[0].values
    assert (values.count(None), set(values) - {None}) == (1, {40})


def test_few_writes_are_shown_one_by_one_and_many_as_quantiles(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    assert {series.style for series in _charts(few)["latency"].series} == {"points"}
    labels = [series.label for series in _charts(many, lost=500)["latency"].series]
    assert labels == ["p50", "p95", "p99", "max"]


def test_the_summary_says_where_the_most_was(tmp_path: Path) -> None:
    assert _charts(tmp_path)["queue"].summary() == "Queue depth. waiting: at most 4 products, at 1 s."


def test_a_distribution_has_a_line_for_each_phase(tmp_path: Path) -> None:
    lines = [
        EventLine(
            name="Distributed",
            event={"key": f"read_latency_{phase}", "label": phase, "unit": "ms", "buckets": buckets},
        )
        for phase, buckets in (("hold", [[1.0, 5], [2.0, 3]]), ("outage", [[2.0, 1], [4.0, 2]]))
    ]
    chart = _charts(tmp_path, *lines)["read_latency"]
    assert chart.x == (1.0, 2.0, 4.0)
    assert {series.label: series.values for series in chart.series} == {
        "hold": (5, 3, 0),
        "outage": (0, 1, 2),
    }


def test_no_line_bridges_what_nobody_saw(tmp_path: Path) -> None:
    later = [replace(line, at=line.at + 5.0, accepted=line.accepted + 500) for line in samples()]
    charts = _charts(tmp_path, *later)
    queue = charts["queue"]
    gap = queue.x.index(3.375)
    assert (queue.series[0].values[gap], queue.x[gap - 1], queue.x[gap + 1]) == (None, 1.75, 5.0)
    # Nor is there a rate of that time.
    assert max(value or 0 for value in charts["rates"].series[0].values) == 40
