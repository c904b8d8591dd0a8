"""The arithmetic of loads over time."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.load.schedule import ClosedLoop, OpenLoop, Shape


def _amount(shape: Shape, at: float) -> float:
    """The integral of the level from 0 to `at`, by the area of trapezes."""
    if at <= 0:
        return 0.0
    corners = sorted({0.0, shape.ramp, shape.duration - shape.ramp, shape.duration, min(at, shape.duration)})
    ends = [corner for corner in corners if corner <= at]
    inside = math.nextafter(shape.duration, 0)
    return sum(
        (b - a) * (shape.level(min(a, inside)) + shape.level(min(b, inside))) / 2 for a, b in pairwise(ends)
    )


@pytest.mark.parametrize(
    ("at", "level", "phase"),
    [
        (0.0, 0.0, "ramp up"),
        (1.0, 0.5, "ramp up"),
        (2.0, 1.0, "hold"),
        (18.0, 1.0, "hold"),
        (19.0, 0.5, "ramp down"),
        (20.0, 0.0, "finishing"),
        (21.0, 0.0, "finishing"),
    ],
)
def test_a_ramp_goes_up_and_down(at: float, level: float, phase: str) -> None:
    shape = Shape(20.0, ramp=2.0)
    assert shape.level(at) == pytest.approx(level)
    assert shape.phase(at) == phase


def test_without_a_ramp_all_is_level() -> None:
    shape = Shape(3.0)
    assert [shape.level(at) for at in (0.0, 1.5, 2.99, 3.0)] == [1.0, 1.0, 1.0, 0.0]
    assert shape.phase(0.0) == "running"


@given(duration=st.floats(0.01, 3600), ramp_share=st.floats(0, 0.5), share=st.floats(0, 1, exclude_max=True))
def test_when_turns_the_integral_of_the_level_around(
    duration: float, ramp_share: float, share: float
) -> None:
    shape = Shape(duration, ramp_share * duration)
    amount = share * shape.area
    at = shape.when(amount)
    assert 0 <= at <= duration
    assert _amount(shape, at) == pytest.approx(amount, rel=1e-6, abs=1e-6 * duration)


@given(duration=st.floats(0.01, 3600), ramp_share=st.floats(0, 0.5), share=st.floats(-0.1, 1.1))
def test_the_amount_is_the_integral_of_the_level(duration: float, ramp_share: float, share: float) -> None:
    shape, at = Shape(duration, ramp_share * duration), share * duration
    expected = _amount(shape, min(at, duration))
    assert shape.amount(at) == pytest.approx(expected, rel=1e-6, abs=1e-6 * duration)


def test_the_backlog_is_what_is_due_and_was_not_taken() -> None:
    pace = OpenLoop(Shape(10.0), 100.0)
    assert pace.backlog(0.0) == 1
    for _ in range(5):
        assert pace.take(1.0, 0) is not None
    assert pace.backlog(1.0) == 101 - 5
    # Nothing more gets due after its end.
    assert pace.backlog(99.0) == 1000 - 5
    assert ClosedLoop(Shape(10.0), 3).backlog(5.0) == 0


def test_closed_loop_sends_while_a_client_is_free() -> None:
    pace = ClosedLoop(Shape(10.0), clients=2)
    assert pace.take(1.0, in_flight=0) == 1.0
    assert pace.take(1.0, in_flight=1) == 1.0
    assert pace.take(1.0, in_flight=2) is None
    assert not pace.over(9.99)
    assert pace.over(10.0)
    assert pace.take(10.0, in_flight=0) is None
    assert list(pace.overdue(11.0)) == []


def test_closed_loop_lets_clients_join_one_by_one() -> None:
    pace = ClosedLoop(Shape(10.0, ramp=4.0), clients=4)

    def at_once(now: float) -> int:
        count = 0
        while pace.take(now, in_flight=count) is not None:
            count += 1
        return count

    assert [at_once(now) for now in (0.0, 0.5, 1.5, 3.5, 5.0, 8.5)] == [0, 1, 2, 4, 4, 2]


def test_closed_loop_ends_by_count_and_knows_what_is_missing() -> None:
    pace = ClosedLoop(Shape(30.0), clients=5, count=3)
    assert [pace.take(0.0, in_flight=n) for n in range(2)] == [0.0, 0.0]
    assert not pace.over(1.0)
    assert list(pace.overdue(1.0)) == [(0.0, 1)]
    assert pace.take(1.0, in_flight=2) == 1.0
    assert pace.over(1.0)
    assert list(pace.overdue(1.0)) == []


def test_open_loop_keeps_to_its_schedule_whatever_is_in_flight() -> None:
    pace = OpenLoop(Shape(1.0), rate=4.0)
    assert pace.take(0.0, in_flight=0) == 0.0
    assert pace.take(0.1, in_flight=1) is None
    assert pace.wait(0.1) == pytest.approx(0.15)
    # Late by half a second: what was due meanwhile comes with the time at which it was due.
    assert pace.take(0.75, in_flight=99) == pytest.approx(0.25)
    assert pace.take(0.75, in_flight=99) == pytest.approx(0.5)
    assert pace.wait(0.75) == 0.0
    assert pace.take(0.75, in_flight=99) == pytest.approx(0.75)
    assert pace.over(0.75)
    # Nothing is due any more, so the generator must not spin.
    assert pace.wait(0.75) == math.inf


@pytest.mark.parametrize(
    ("duration", "ramp", "rate", "count"), [(10.0, 0.0, 100.0, 1000), (10.0, 1.0, 100.0, 900), (1, 0, 0.1, 1)]
)
def test_open_loop_counts_its_requests(duration: float, ramp: float, rate: float, count: int) -> None:
    pace = OpenLoop(Shape(duration, ramp), rate)
    dues = [due for _ in range(count) if (due := pace.take(duration, in_flight=0)) is not None]
    assert len(dues) == count == pace.count
    assert dues == sorted(dues)
    assert 0 <= dues[0] <= dues[-1] <= duration
    assert pace.take(duration, in_flight=0) is None


def test_open_loop_gives_up_what_it_can_not_send_in_time() -> None:
    pace = OpenLoop(Shape(2.0), rate=10.0)
    assert pace.take(0.0, in_flight=0) == 0.0
    assert not pace.over(2.9)
    assert pace.over(3.0)
    assert pace.take(3.0, in_flight=0) is None
    overdue = list(pace.overdue(3.0))
    assert sum(count for _, count in overdue) == 19
    assert overdue[0][0] == pytest.approx(0.1)


def test_open_loop_sums_up_a_schedule_that_was_missed_by_far() -> None:
    pace = OpenLoop(Shape(3600.0), rate=100_000.0)
    overdue = list(pace.overdue(4000.0))
    assert sum(count for _, count in overdue) == 360_000_000
    assert len(overdue) <= 1001


def test_open_loop_stopped_early_counts_only_what_was_due_by_then() -> None:
    pace = OpenLoop(Shape(100.0), rate=10.0)
    assert sum(count for _, count in pace.overdue(0.95)) == 10
