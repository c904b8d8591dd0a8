import math
from typing import Any

import pytest

from scenarios.scenario import Options
from stack.errors import UsageError


def test_what_is_missing_or_none_stays_at_its_default() -> None:
    assert Options.of({}) == Options.of({"duration": None, "crash": None}) == Options()
    assert Options().crash == "flushall"


def test_what_is_given_is_taken() -> None:
    given = {"crash": "kill", "duration": 2.5, "rate": 100.0, "clients": 4}
    assert Options.of(given) == Options(crash="kill", duration=2.5, rate=100.0, clients=4)


@pytest.mark.parametrize(
    "given",
    [
        {"duration": 3600, "rate": 100_000, "clients": 256},
        {"duration": 0.01, "rate": 0.01, "clients": 1},
    ],
)
def test_the_limits_themselves_are_possible(given: dict[str, Any]) -> None:
    Options.of(given)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"duration": 0}, "--duration can't be 0"),
        ({"duration": -1.5}, "--duration can't be -1.5"),
        ({"duration": 3601}, "--duration can't be 3601"),
        ({"duration": math.nan}, "--duration can't be nan"),
        ({"rate": math.inf}, "--rate can't be inf"),
        ({"rate": 0.0}, "--rate can't be 0"),
        ({"rate": 1e6}, "--rate can't be 1e+06"),
        ({"clients": 0}, "--clients can't be 0"),
        ({"clients": 257}, "--clients can't be 257"),
        ({"speed": 9}, "there is no option 'speed'"),
    ],
)
def test_what_makes_no_sense_is_named_with_what_would(given: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError) as error:
        Options.of(given)
    assert named in error.value.message
    assert error.value.hint
