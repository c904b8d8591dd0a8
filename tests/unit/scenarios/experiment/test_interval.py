"""How exact a mean of few trials is."""

import math
from collections.abc import Sequence
from random import Random

import pytest

from scenarios.experiment.interval import mean_interval, ratio_interval, ratio_of

_SIMULATED = 2_000


def test_an_interval_agrees_with_a_textbook_case() -> None:
    interval = mean_interval([1, 2, 3, 4, 5])
    assert interval.estimate == 3
    assert interval.high == pytest.approx(3 + 2.776 * math.sqrt(2.5 / 5), abs=1e-3)


@pytest.mark.parametrize("count", [3, 6, 12])
def test_it_covers_the_truth_about_95_times_of_100(count: int) -> None:
    random = Random(count)
    samples = [[random.lognormvariate(1, 0.3) for _ in range(count)] for _ in range(_SIMULATED)]
    covered = 0
    for sample in samples:
        interval = ratio_interval(sample)
        assert interval is not None
        covered += interval.low <= math.e <= interval.high
    assert covered / _SIMULATED == pytest.approx(0.95, abs=0.02)


def test_a_ratio_covers_the_truth_about_95_times_of_100() -> None:
    random = Random(1)

    def sample(mean: float, spread: float, count: int) -> Sequence[float]:
        return [mean * random.lognormvariate(0, spread) for _ in range(count)]

    covered = 0
    for _ in range(_SIMULATED):
        ratio = ratio_of(sample(6, 0.3, 4), sample(2, 0.1, 6))
        assert ratio is not None
        covered += ratio.low <= 3 <= ratio.high
    # Welch's is an approximation, and its degrees of freedom are rounded down.
    assert 0.93 <= covered / _SIMULATED <= 0.98


def test_two_trials_have_a_mean_but_no_interval() -> None:
    interval = ratio_interval([1, 4])
    assert interval is not None
    assert interval.estimate == pytest.approx(2)
    assert interval.low == 0
    assert math.isinf(interval.high)
    assert ratio_of([1, 4], [1, 2, 3]) is None


def test_equal_trials_leave_no_doubt() -> None:
    interval = mean_interval([7, 7, 7])
    assert (interval.low, interval.high) == (7, 7)
    assert interval.relative_half_width == 0
    ratio = ratio_of([4, 4, 4], [2, 2, 2])
    assert ratio is not None
    assert ratio.low == ratio.high == pytest.approx(2)


@pytest.mark.parametrize("values", [[], [1, 0, 2], [-1, 2, 3]])
def test_no_ratio_without_positive_figures(values: list[float]) -> None:
    assert ratio_interval(values) is None
    assert ratio_of(values or [0], [1, 2, 3]) is None
