"""Which phase of a load a request belongs to."""

import pytest

from scenarios.load.phases import Phases
from scenarios.load.schedule import Shape

_RAMPED = Shape(10.0, ramp=1.0)


@pytest.mark.parametrize(
    ("due", "phase"), [(0.0, "ramp"), (0.99, "ramp"), (1.0, "hold"), (9.0, "hold"), (9.01, "ramp")]
)
def test_ramps_and_hold(due: float, phase: str) -> None:
    assert Phases(_RAMPED).of(due) == phase


def test_a_load_without_ramps_holds_all_the_time() -> None:
    phases = Phases(Shape(3.0))
    assert {phases.of(due) for due in (0.0, 1.5, 2.99)} == {"hold"}


def test_what_waited_through_an_outage_belongs_to_it() -> None:
    phases = Phases(_RAMPED)
    phases.begin_outage()
    assert phases.of(2.0) == phases.of(0.5) == "outage"
    assert phases.name(4.0) == "outage"
    phases.end_outage()
    # Sent late: the backlog is still there.
    phases.succeeded(due=2.5, sent=5.0, now=5.01)
    assert phases.of(4.9) == "outage"
    phases.succeeded(due=6.0, sent=6.001, now=6.002)
    assert (phases.of(5.9), phases.of(6.01)) == ("outage", "hold")
    assert phases.name(6.5) == "hold"


def test_success_during_an_outage_does_not_end_it() -> None:
    """PostgreSQL may be away while Redis acknowledges."""
    phases = Phases(_RAMPED)
    phases.begin_outage()
    phases.succeeded(due=3.0, sent=3.0, now=3.1)
    assert phases.of(3.2) == "outage"


def test_a_second_outage() -> None:
    phases = Phases(_RAMPED)
    for at in (2.0, 5.0):
        phases.begin_outage()
        phases.end_outage()
        assert phases.in_outage
        phases.succeeded(due=at, sent=at, now=at + 0.01)
        assert not phases.in_outage
    assert (phases.of(5.005), phases.of(5.02)) == ("outage", "hold")


def test_without_ramps_all_is_hold_whatever_another_clock_says() -> None:
    phases = Phases(Shape(1.0))
    assert [phases.of(due) for due in (-0.001, 0.0, 0.5, 1.0, 1.2)] == ["hold"] * 5
