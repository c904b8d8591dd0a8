"""What limited a load."""

import pytest

from scenarios.load.counters import Counters


@pytest.mark.parametrize(
    ("counters", "limited"),
    [
        (Counters(requests=1000, elapsed=10.0, idle=5.0), False),
        (Counters(requests=1000, elapsed=10.0, idle=0.5), True),
        (Counters(requests=1000, elapsed=10.0, idle=5.0, late=10), False),
        (Counters(requests=1000, elapsed=10.0, idle=5.0, late=100), True),
        (Counters(requests=50, elapsed=0.05, idle=0.0), False),
        (Counters(), False),
    ],
)
def test_the_generator_is_the_limit_when_it_has_no_time_left_or_is_late(
    counters: Counters, limited: bool
) -> None:
    assert counters.generator_limited is limited


def test_busy_is_the_share_of_time_with_something_to_do() -> None:
    assert Counters().busy == 0
    assert Counters(elapsed=4.0, idle=3.0).busy == 0.25
