"""Percentiles of latencies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.load.latencies import Latencies, Percentiles


def test_nothing_recorded() -> None:
    assert Latencies().percentiles() == Percentiles(0.0, 0.0, 0.0, 0.0)


def test_percentiles_in_milliseconds() -> None:
    latencies = Latencies()
    for n in range(1, 1001):
        latencies.record(n / 1000)
    found = latencies.percentiles()
    assert found.p50 == pytest.approx(500, rel=0.002)
    assert found.p95 == pytest.approx(950, rel=0.002)
    assert found.p99 == pytest.approx(990, rel=0.002)
    assert found.max == pytest.approx(1000, rel=0.002)


def test_they_go_on_counting() -> None:
    latencies = Latencies()
    latencies.record(0.001)
    assert latencies.percentiles().max == pytest.approx(1, rel=0.002)
    latencies.record(0.1, count=99)
    assert latencies.percentiles().p50 == pytest.approx(100, rel=0.002)


@given(st.lists(st.floats(0, 59.0), min_size=1))
def test_percentiles_are_in_order_and_within_what_was_recorded(seconds: list[float]) -> None:
    latencies = Latencies()
    for one in seconds:
        latencies.record(one)
    found = latencies.percentiles()
    assert 0 < found.p50 <= found.p95 <= found.p99 <= found.max * 1.001
    assert found.max == pytest.approx(1000 * max(seconds), rel=0.002, abs=0.002)


def test_what_is_out_of_range_counts_at_its_edge() -> None:
    latencies = Latencies()
    latencies.record(-1.0)
    assert latencies.percentiles().max == pytest.approx(0.001)
    latencies.record(1e6)
    assert latencies.percentiles().max == pytest.approx(60_000, rel=0.002)
