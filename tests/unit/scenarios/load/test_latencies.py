"""Percentiles of latencies."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.load.latencies import Latencies, Percentiles, in_buckets


def test_nothing_recorded() -> None:
    assert Latencies().percentiles() == Percentiles(0.0, 0.0, 0.0, 0.0)


def test_percentiles_in_milliseconds() -> None:
    latencies = Latencies()
    for n in range(1, 1001):
        latencies.record("write", "hold", n / 1000)
    found = latencies.percentiles()
    assert found.p50 == pytest.approx(500, rel=0.002)
    assert found.p95 == pytest.approx(950, rel=0.002)
    assert found.p99 == pytest.approx(990, rel=0.002)
    assert found.max == pytest.approx(1000, rel=0.002)


def test_they_go_on_counting() -> None:
    latencies = Latencies()
    latencies.record("write", "hold", 0.001)
    assert latencies.percentiles().max == pytest.approx(1, rel=0.002)
    latencies.record("write", "hold", 0.1, count=99)
    assert latencies.percentiles().p50 == pytest.approx(100, rel=0.002)


@given(st.lists(st.floats(0, 59.0), min_size=1))
def test_percentiles_are_in_order_and_within_what_was_recorded(seconds: list[float]) -> None:
    latencies = Latencies()
    for one in seconds:
        latencies.record("write", "hold", one)
    found = latencies.percentiles()
    assert 0 < found.p50 <= found.p95 <= found.p99 <= found.max * 1.001
    assert found.max == pytest.approx(1000 * max(seconds), rel=0.002, abs=0.002)


def test_what_is_out_of_range_counts_at_its_edge() -> None:
    latencies = Latencies()
    latencies.record("write", "hold", -1.0)
    assert latencies.percentiles().max == pytest.approx(0.001)
    latencies.record("write", "hold", 1e6)
    assert latencies.percentiles().max == pytest.approx(60_000, rel=0.002)


def test_each_kind_and_phase_has_its_own() -> None:
    latencies = Latencies()
    latencies.record("write", "hold", 0.001)
    latencies.record("write", "outage", 0.1, count=2)
    latencies.record("read", "hold", 0.01)
    assert latencies.percentiles("write", "hold") == Percentiles(1.0, 1.0, 1.0, 1.0, 1)
    assert latencies.percentiles("write").count == 3
    assert latencies.percentiles(phase="hold").max == pytest.approx(10, rel=0.002)
    assert latencies.percentiles().count == 4
    assert latencies.percentiles("read", "ramp") == Percentiles()


def test_a_distribution_counts_every_latency_once_in_its_bucket() -> None:
    latencies = Latencies()
    for ms in (0.9, 1.0, 1.2, 40.0):
        latencies.record("write", "hold", ms / 1000)
    buckets = latencies.distribution("write", "hold")
    assert buckets[0] == (1.0, 2)
    assert buckets[1] == (1.26, 1)
    assert buckets[-1] == (50.1, 1)
    assert sum(count for _, count in buckets) == 4
    assert latencies.distribution("read", "hold") == ()


@given(st.dictionaries(st.integers(1, 60_000_000), st.integers(1, 1000), min_size=1))
def test_buckets_hold_what_is_not_above_them_without_gaps(counted: dict[int, int]) -> None:
    buckets = in_buckets(counted.items())
    bounds = [bound for bound, _ in buckets]
    assert sum(count for _, count in buckets) == sum(counted.values())
    assert buckets[0][1] > 0
    assert buckets[-1][1] > 0
    assert all(1.24 < after / before < 1.28 for before, after in pairwise(bounds))
    for before, (bound, count) in zip([0.0, *bounds], buckets, strict=False):
        assert count == sum(n for us, n in counted.items() if before < us / 1000 <= bound)
