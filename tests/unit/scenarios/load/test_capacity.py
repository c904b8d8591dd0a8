"""Whether a load asked for too much, on scripted samples."""

from collections.abc import Callable, Sequence

import pytest

from scenarios.load.capacity import Flushing, Offered, against_schedule, of_worker
from scenarios.load.moments import Moment

_TICK_S = 0.25


def _load(
    *,
    seconds: float = 10.0,
    answered: float = 1000.0,
    backlog: Callable[[float], float] = lambda at: 0.0,
    waiting: Callable[[float], float] = lambda at: 0.0,
    rows: float = 0.0,
    phase: Callable[[float], str] = lambda at: "hold",
) -> list[Moment]:
    """A load whose figures are functions of time; `answered` and `rows` are rates."""
    times = [n * _TICK_S for n in range(round(seconds / _TICK_S) + 1)]
    return [
        Moment(
            elapsed=at,
            phase=phase(at),
            writes=round(answered * at),
            rows=round(rows * at),
            waiting=round(waiting(at)),
            backlog=round(backlog(at)),
        )
        for at in times
    ]


def test_a_lab_that_keeps_up_is_not_saturated() -> None:
    assert against_schedule(_load(), 1000.0) == Offered()


def test_a_handful_of_requests_between_two_turns_is_no_backlog() -> None:
    assert against_schedule(_load(backlog=lambda at: 15), 1000.0) == Offered(backlog=15)


def test_a_backlog_that_grows_tells_the_rate_at_which_the_lab_saturates() -> None:
    offered = against_schedule(_load(answered=3100.0, backlog=lambda at: 1900 * at), 5000.0)
    assert offered.saturated
    assert offered.saturates_at == pytest.approx(3100, rel=0.01)
    assert offered.backlog == 19_000
    assert offered.waited > 0.9


def test_a_stall_that_was_made_up_for_is_not_saturation() -> None:
    """A second without answers at 2 s; the backlog is gone at 5 s."""

    def backlog(at: float) -> float:
        return max(0.0, 1000 * (at - 2) if at <= 3 else 1000 - 500 * (at - 3))

    offered = against_schedule(_load(backlog=backlog), 1000.0)
    assert not offered.saturated
    assert 0.2 < offered.waited < 0.4


def test_a_stall_at_the_very_end_is_not_saturation() -> None:
    offered = against_schedule(_load(backlog=lambda at: max(0.0, 1000 * (at - 9))), 1000.0)
    assert not offered.saturated
    assert offered.backlog == 1000


def test_a_lab_that_got_too_slow_half_way_is_saturated() -> None:
    offered = against_schedule(_load(backlog=lambda at: max(0.0, 500 * (at - 5))), 1000.0)
    assert offered.saturated


def test_without_a_schedule_nothing_is_offered() -> None:
    assert against_schedule(_load(backlog=lambda at: 900 * at), None) == Offered()


def test_only_the_hold_before_an_outage_counts() -> None:
    def phase(at: float) -> str:
        return "ramp up" if at < 1 else "hold" if at < 4 else "outage" if at < 6 else "hold"

    def backlog(at: float) -> float:
        return 2000.0 if at < 1 or at >= 4 else 0.0

    assert against_schedule(_load(backlog=backlog, phase=phase), 1000.0) == Offered()
    growing = _load(waiting=lambda at: 500.0 * at if at >= 4 else 100.0, rows=900.0, phase=phase)
    assert of_worker(growing) == Flushing()


@pytest.mark.parametrize("moments", [[], [Moment()], [Moment(phase="outage"), Moment(phase="outage")]])
def test_too_little_was_seen(moments: Sequence[Moment]) -> None:
    assert against_schedule(moments, 100.0) == Offered()
    assert of_worker(moments) == Flushing()


def test_a_queue_that_grows_through_the_hold_tells_at_which_rate_the_worker_saturates() -> None:
    flushing = of_worker(_load(waiting=lambda at: 1200 * at, rows=2300.0))
    assert flushing.queue_growth == pytest.approx(1200, rel=0.1)
    assert flushing.saturates_at == pytest.approx(2300, rel=0.01)


@pytest.mark.parametrize("window", [0.5, 1.0, 3.0])
def test_a_queue_that_fills_and_is_emptied_window_by_window_does_not_grow(window: float) -> None:
    sawtooth = _load(waiting=lambda at: 1000 * (at % window), rows=1000.0)
    assert of_worker(sawtooth) == Flushing()
    filled_once = _load(waiting=lambda at: 1000 * min(at, window), rows=1000.0)
    assert of_worker(filled_once) == Flushing()


def test_a_worker_that_writes_nothing_yet_has_not_reached_its_limit() -> None:
    """Its window is longer than the load, or it is stopped."""
    assert of_worker(_load(waiting=lambda at: 1000 * at)) == Flushing()


def test_a_short_load_does_not_tell() -> None:
    assert of_worker(_load(seconds=2.0, waiting=lambda at: 1000 * at, rows=900.0)) == Flushing()


def test_a_queue_that_gets_shorter_again_does_not_grow() -> None:
    moments = _load(waiting=lambda at: 5000 - 1000 * abs(at - 5), rows=900.0)
    assert of_worker(moments) == Flushing()
