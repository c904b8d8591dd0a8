"""The newest persist lags, as a worker publishes them."""

import pytest

from worker.recent_lags import RecentLags


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_they_are_those_of_the_last_two_seconds() -> None:
    clock = Clock()
    lags = RecentLags(clock)
    assert lags.percentiles_ms() is None
    lags.add([9.0])
    clock.now += 1.5
    lags.add([0.5, 0.25, 0.75])
    lags.add([])
    assert lags.percentiles_ms() == (750.0, 9000.0, 9000.0)
    clock.now += 1.0
    assert lags.percentiles_ms() == (500.0, 750.0, 750.0)
    clock.now += 1.5
    assert lags.percentiles_ms() is None


def test_the_longest_of_a_large_batch_is_not_left_out() -> None:
    lags = RecentLags()
    lags.add([n / 5_000 for n in range(5_000)] + [30.0])
    found = lags.percentiles_ms()
    assert found is not None
    middle, last, longest = found
    assert middle == pytest.approx(500, rel=0.05)
    assert last == pytest.approx(990, rel=0.05)
    assert longest == 30_000
