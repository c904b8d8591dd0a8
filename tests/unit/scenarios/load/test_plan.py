"""From options to plans."""

import pytest

from scenarios.load.plan import Extent, plan, rates_of
from scenarios.load.schedule import ClosedLoop, OpenLoop, Shape
from scenarios.options import Options
from stack.errors import UsageError

_TIMED = Extent(clients=10, ramp=0.1)
_COUNTED = Extent(clients=50, count=50)


def test_by_itself_a_timed_load_is_a_closed_loop() -> None:
    made = plan(_TIMED, Options(duration=120.0))
    assert made.pace == ClosedLoop(Shape(120.0, 12.0), 10)
    assert (made.clients, made.planned, made.rate) == (10, 120.0, None)


def test_ramps_shrink_with_the_duration() -> None:
    assert plan(_TIMED, Options(duration=5.0, clients=3)).pace == ClosedLoop(Shape(5.0, 0.5), 3)


def test_a_rate_makes_an_open_loop() -> None:
    made = plan(_TIMED, Options(duration=5.0, rate=100.0))
    assert made.pace == OpenLoop(Shape(5.0, 0.5), 100.0)
    assert (made.clients, made.rate) == (64, 100.0)
    assert plan(_TIMED, Options(duration=120.0, rate=100.0, clients=2)).clients == 2


def test_a_counted_load() -> None:
    made = plan(_COUNTED, Options(clients=7))
    assert made.pace == ClosedLoop(Shape(30.0), 7, 50)
    assert (made.clients, made.planned) == (7, 0.0)


def test_a_counted_load_on_a_schedule() -> None:
    pace = plan(_COUNTED, Options(rate=25.0)).pace
    assert pace == OpenLoop(Shape(2.0), 25.0)
    assert isinstance(pace, OpenLoop)
    assert pace.count == 50


@pytest.mark.parametrize("rate", [0.02, 0.3, 3.3, 7.77, 99_999.9])
def test_a_counted_load_sends_its_count_at_any_rate(rate: float) -> None:
    pace = plan(_COUNTED, Options(rate=rate)).pace
    assert isinstance(pace, OpenLoop)
    assert pace.count == 50


def test_a_counted_load_on_a_schedule_ends_within_an_hour() -> None:
    slowest = 50 / 3600
    for option in rates_of(50):
        assert option.parse(slowest) == slowest
        with pytest.raises(UsageError, match=r"-second can't be 0\.01|--rate can't be 0\.01") as caught:
            option.parse(0.01)
        assert "from 0.01389" in caught.value.hint


def test_writes_per_second_come_with_the_reads_of_the_mix() -> None:
    made = plan(_TIMED, Options(duration=5.0, writes_per_second=70.0), writes=0.7)
    assert made.rate == pytest.approx(100.0)
    assert made.pace == OpenLoop(Shape(5.0, 0.5), made.rate or 0.0)
    assert plan(_COUNTED, Options(writes_per_second=25.0)).rate == 25.0


@pytest.mark.parametrize(
    ("options", "clients"),
    [
        (Options(duration=1.0, keys=3), 3),
        (Options(duration=1.0, keys=30), 10),
        (Options(duration=1.0, rate=5.0, keys=3), 3),
        (Options(duration=1.0, rate=5.0, keys=3000), 64),
        (Options(duration=1.0, clients=4, keys=30), 4),
    ],
)
def test_each_client_has_a_product_of_its_own(options: Options, clients: int) -> None:
    assert plan(_TIMED, options).clients == clients
