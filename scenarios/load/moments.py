"""What a load had come to, a few times a second; and how much of that happened in each of its phases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final

from scenarios.load.phases import Phase

#: The phase of each name that a moment may have. "finishing" has no phase: the last answers come in.
_PHASES: Final[dict[str, Phase]] = {
    "ramp up": "ramp",
    "ramp down": "ramp",
    "hold": "hold",
    "running": "hold",
    "outage": "outage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Everything is counted since the load began, except what waits: that is as of this moment."""

    #: s since the load began.
    elapsed: float = 0.0
    #: What the load is doing, in words.
    phase: str = "running"
    #: Requests that were answered, timed out or broke off; and how many of them failed.
    writes: int = 0
    reads: int = 0
    write_errors: int = 0
    read_errors: int = 0
    #: Rows that were written to PostgreSQL, by the worker or through.
    rows: int = 0
    #: Acknowledged writes that wait in Redis.
    waiting: int = 0
    #: Requests that are due and wait for a free connection.
    backlog: int = 0

    @property
    def requests(self) -> int:
        return self.writes + self.reads


@dataclass(frozen=True, slots=True)
class Amount:
    """What happened in a phase."""

    seconds: float = 0.0
    writes: int = 0
    reads: int = 0
    write_errors: int = 0
    read_errors: int = 0


def in_phase(moments: Sequence[Moment], phase: Phase) -> Amount:
    """How long the phase lasted, and what ended meanwhile. A step between two moments counts for the
    phase that it ended in."""
    total = Amount()
    for before, after in pairwise(moments):
        if _PHASES.get(after.phase) == phase:
            step = Amount(
                after.elapsed - before.elapsed,
                after.writes - before.writes,
                after.reads - before.reads,
                after.write_errors - before.write_errors,
                after.read_errors - before.read_errors,
            )
            total = Amount(*(getattr(total, f.name) + getattr(step, f.name) for f in fields(Amount)))
    return total


def undisturbed_hold(moments: Sequence[Moment]) -> list[Moment]:
    """The moments of the hold, up to the first outage."""
    return list(_before_outage(moments))


def _before_outage(moments: Sequence[Moment]) -> Iterator[Moment]:
    for moment in moments:
        phase = _PHASES.get(moment.phase)
        if phase == "outage":
            return
        if phase == "hold":
            yield moment
