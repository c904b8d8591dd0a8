"""Intervals contain the truth about as often as they claim, and differences are told from noise."""

import math
from collections import Counter
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.figures.bootstrap import Interval, draw_percentile, draw_rate, fewest_blocks, percentile
from scenarios.figures.series import Series
from scenarios.judge.persist_lag import percentiles

#: How much the level of a second varies, and a latency within a second: standard deviations of logarithms.
_LEVELS, _WITHIN = 0.3, 0.5


def run(
    random: Random, *, seconds: int = 24, rate: int = 12, slower: float = 1.0, levels: float = _LEVELS
) -> Series:
    """Latencies around 1 ms that depend on each other: some seconds are slow as a whole."""
    series = Series()
    for second in range(seconds):
        level = random.gauss(0, levels)
        for n in range(rate):
            series.add(second + n / rate, slower * math.exp(random.gauss(level, _WITHIN)))
    return series


def interval_of(series: Series, percent: float) -> Interval:
    drawn = draw_percentile(series, percent)
    assert drawn is not None
    return drawn.interval


def difference(base: Series, other: Series, percent: float) -> Interval:
    before, after = draw_percentile(base, percent), draw_percentile(other, percent, side=1)
    assert before is not None
    assert after is not None
    return after.over(before)


@pytest.mark.parametrize("percent", [50, 95])
def test_about_95_of_100_intervals_contain_the_true_percentile(percent: float) -> None:
    random, trials = Random(7), 50
    expected = math.exp(NormalDist(0, math.hypot(_LEVELS, _WITHIN)).inv_cdf(percent / 100))
    intervals = [interval_of(run(random), percent) for _ in range(trials)]
    hits = sum(each.low <= expected <= each.high for each in intervals)
    # 0.95 of 50, less three standard errors.
    assert hits >= 43


def test_two_runs_of_the_same_lab_seldom_differ_and_one_that_is_slower_is_found() -> None:
    random, trials = Random(11), 12
    alike = [difference(run(random), run(random), 50) for _ in range(trials)]
    slower = [difference(run(random), run(random, slower=1.6), 50) for _ in range(trials)]
    assert sum(each.excludes_zero for each in alike) <= 2
    assert sum(each.low > 0 for each in slower) >= 10


def test_a_run_that_is_30_percent_slower_is_found_where_little_else_varies() -> None:
    found = difference(run(Random(1), levels=0.05), run(Random(2), levels=0.05, slower=1.3), 50)
    assert 0 < found.low < 0.3 < found.high < 0.6


@pytest.mark.parametrize("percent", [50, 95])
def test_a_run_does_not_differ_from_itself(percent: float) -> None:
    series = run(Random(3))
    assert not difference(series, series, percent).excludes_zero


def test_slow_seconds_make_an_interval_wider_than_as_many_slow_writes_do() -> None:
    together, apart = run(Random(5), seconds=30), Series()
    values = [value for block in together.blocks for value in block.elements()]
    Random(6).shuffle(values)
    for n, us in enumerate(values):
        apart.add(n / 12, us / 1000)
    wide, narrow = interval_of(together, 50), interval_of(apart, 50)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


@pytest.mark.parametrize(("percent", "seconds"), [(50, 7), (95, 11), (99, 19)])
def test_of_too_short_a_run_nothing_is_said(percent: float, seconds: int) -> None:
    assert seconds == fewest_blocks(percent) - 1
    assert draw_percentile(run(Random(1), seconds=seconds, rate=100), percent) is None
    assert draw_percentile(run(Random(1), seconds=seconds + 1, rate=100), percent) is not None


def test_of_too_few_values_nothing_is_said_and_of_none_there_is_no_percentile() -> None:
    # 99 values of 100 say nothing of the hundredth.
    assert draw_percentile(run(Random(1), seconds=24, rate=4), 99) is None
    assert (percentile(Series(), 50), draw_percentile(Series(), 50), draw_rate(Series())) == (
        None,
        None,
        None,
    )


def test_the_same_series_always_has_the_same_interval() -> None:
    assert interval_of(run(Random(4)), 95) == interval_of(run(Random(4)), 95)


def test_a_rate_is_known_better_the_steadier_it_is() -> None:
    steady, bursts = Series(), Series()
    for second in range(20):
        for n in range(50):
            steady.add(second + n / 50, 1.0)
            bursts.add(second // 4 * 4 + n / 50, 1.0)
    drawn, varied = draw_rate(steady), draw_rate(bursts)
    assert drawn is not None
    assert varied is not None
    assert (drawn.interval.low, drawn.interval.high) == (50, 50)
    assert varied.interval.low < 50 < varied.interval.high


@given(st.lists(st.tuples(st.floats(0, 4000), st.integers(0, 60_000_000)), min_size=1))
def test_a_percentile_is_exact_to_two_thousandths(values: list[tuple[float, int]]) -> None:
    series = Series()
    for at, us in values:
        series.add(at, us / 1000)
    exact = percentiles(Counter(us for _, us in values), (50, 99))
    for percent, us in zip((50, 99), exact, strict=True):
        found = percentile(series, percent)
        assert found is not None
        assert found == pytest.approx(us / 1000, rel=0.002, abs=0.0006)
    assert series.count == len(values)


def test_however_long_a_run_is_it_takes_no_more_memory() -> None:
    series = Series()
    for n in range(100_000):
        series.add(n * 36, 1 + n % 7)
    assert len(series.blocks) <= 240
    assert series.count == 100_000
    assert series.most_ms == 7
