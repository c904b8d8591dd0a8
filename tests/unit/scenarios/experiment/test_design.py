"""What an experiment may compare."""

from typing import Any

import pytest

from scenarios.experiment.design import Design
from stack.errors import UsageError


def test_the_default_is_possible() -> None:
    Design().checked()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"policies": ("write_around",)}, "there is no policy 'write_around'"),
        ({"policies": ()}, "policy has no value to try"),
        ({"policies": ("write_behind", "write_behind")}, "policy has the value 'write_behind' twice"),
        ({"faults": ("none", "none")}, "fault has the value 'none' twice"),
        ({"faults": ("redis:melt@1s",)}, "the fault 'redis:melt@1s' can't be injected"),
        ({"faults": ("none + none",)}, "the fault 'none' can't be injected"),
        ({"settings": {"WINDOW": ("1", "2")}}, "'WINDOW' is not a setting"),
        ({"settings": {"WRITE_POLICY": ("write_behind",)}}, "WRITE_POLICY is not a setting here"),
        ({"settings": {"BATCH_SIZE": ("100", "0")}}, "BATCH_SIZE must be"),
        ({"settings": {"BATCH_SIZE": ("",)}}, "BATCH_SIZE"),
        ({"settings": {"BATCH_SIZE": ("100", "100")}}, "BATCH_SIZE has the value '100' twice"),
        ({"settings": {"BATCH_SIZE": tuple(str(n) for n in range(1, 30))}}, "58 combinations, more than 48"),
        ({"trials": 0}, "--trials can't be 0"),
        ({"trials": 1000}, "--trials can't be 1000"),
        ({"writes_per_second": float("nan")}, "--writes-per-second can't be nan"),
        ({"duration": 0.5}, "--duration can't be 0.5"),
        ({"warm_up": -1.0}, "--warm-up can't be -1"),
    ],
)
def test_what_is_not_possible_is_named(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as refusal:
        Design(**changes).checked()
    assert told in refusal.value.message
    assert refusal.value.hint
