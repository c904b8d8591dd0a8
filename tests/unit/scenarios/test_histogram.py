"""Durations are counted to three digits, within limits."""

import pytest

from scenarios.histogram import Histogram


def test_percentiles_and_the_longest_are_known_to_three_digits() -> None:
    histogram = Histogram(longest_s=60)
    for ms in range(1, 1001):
        histogram.record(ms / 1000)
    assert histogram.count == 1000
    assert histogram.percentiles_ms(50, 95, 99) == pytest.approx([500, 950, 990], rel=0.001)
    assert histogram.max_ms() == pytest.approx(1000, rel=0.001)


def test_what_is_outside_the_limits_counts_as_the_nearest() -> None:
    histogram = Histogram(longest_s=1)
    histogram.record(0.0)
    histogram.record(99.0, 2)
    assert histogram.percentiles_ms(1)[0] == 0.001
    assert histogram.max_ms() == pytest.approx(1000, rel=0.001)
    assert sum(count for _, count in histogram.counted_us()) == 3


def test_histograms_add_up_and_begin_again() -> None:
    one, other = Histogram(longest_s=1), Histogram(longest_s=1)
    one.record(0.1)
    other.record(0.2, 3)
    one.add(other)
    assert (one.count, other.count) == (4, 3)
    one.clear()
    assert one.count == 0
