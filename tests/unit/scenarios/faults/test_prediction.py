"""Rate times time in Redis alone, and the bound that nothing lost may exceed."""

import sys

import pytest

from scenarios.faults.prediction import Tally, predict
from scenarios.judge.ledger import Answer, Write


def _tally(rate: float, begin: float, end: float, answer: Answer = "acknowledged") -> Tally:
    """A steady load between two times."""
    tally = Tally()
    for n in range(round((end - begin) * rate)):
        at = begin + n / rate
        tally.record(Write(product="p", operation="update", value={}, answer=answer, finished_at=at))
    return tally


def test_a_steady_load_loses_its_rate_times_the_window() -> None:
    tally = _tally(500.0, 0.0, 10.02)
    prediction = predict(tally, seen_at=10.0, oldest_age_s=0.5, gone_at=10.02, away=True)
    assert prediction.rate == pytest.approx(500, rel=0.02)
    assert prediction.alone_s == 0.5
    assert prediction.writes == pytest.approx(250, rel=0.02)
    # All that were acknowledged from 9.5 s on.
    assert 260 <= prediction.most <= 272


def test_answers_after_a_flushall_do_not_loosen_the_bound_by_much() -> None:
    tally = _tally(500.0, 0.0, 20.0)
    kept_on = predict(tally, seen_at=10.0, oldest_age_s=0.5, gone_at=10.0, away=False)
    assert 250 < kept_on.most < 320


def test_only_acknowledged_writes_count() -> None:
    tally = _tally(500.0, 0.0, 10.0, "unknown")
    assert predict(tally, seen_at=10.0, oldest_age_s=0.5, gone_at=10.0, away=True).most == 0


def test_where_nothing_waits_nothing_is_predicted() -> None:
    prediction = predict(_tally(10.0, 0.0, 9.0), seen_at=10.0, oldest_age_s=0.0, gone_at=10.0, away=True)
    assert (prediction.writes, prediction.most) == (0.0, 0)


def test_the_prediction_is_never_above_the_bound() -> None:
    # A burst long before the crash: the rate is that of the last second.
    tally = _tally(1000.0, 9.0, 9.3)
    prediction = predict(tally, seen_at=10.0, oldest_age_s=0.6, gone_at=10.0, away=True)
    assert prediction.writes <= prediction.most == 0


def test_an_hour_is_counted_in_little_memory() -> None:
    tally = Tally()
    for second in range(3_600):
        at = 1_000_000 + second
        tally.record(Write(product="p", operation="update", value={}, answer="acknowledged", finished_at=at))
    assert tally.between(0.0, 2e6) == 3_600
    assert tally.between(1_000_010, 1_000_019.5) == 10
    assert tally.between(0.0, 999_999.0) == 0
    assert sys.getsizeof(tally._counts) < 5_000_000
