"""What limited a load."""

import pytest

from scenarios.load.counters import Tally


@pytest.mark.parametrize(
    ("tally", "limited"),
    [
        (Tally(requests=1000, elapsed=10.0, idle=5.0), False),
        (Tally(requests=1000, elapsed=10.0, idle=0.5), True),
        (Tally(requests=1000, elapsed=10.0, idle=5.0, late=10), False),
        (Tally(requests=1000, elapsed=10.0, idle=5.0, late=100), True),
        (Tally(requests=50, elapsed=0.05, idle=0.0), False),
        (Tally(), False),
    ],
)
def test_the_generator_is_the_limit_when_it_has_no_time_left_or_is_late(tally: Tally, limited: bool) -> None:
    assert tally.generator_limited is limited


def test_busy_is_the_share_of_time_with_something_to_do() -> None:
    assert Tally().busy == 0
    assert Tally(elapsed=4.0, idle=3.0).busy == 0.25
