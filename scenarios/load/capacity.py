"""Whether a load asked for more than the lab can do, and at which rate that begins. Pure functions of what
was seen while it ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from scenarios.load.moments import Moment, undisturbed_hold

#: Fewer requests than fall due in this time are no backlog, s: the generator sends them at its next turn.
_SLACK_S: Final = 0.02
#: A hold with a backlog for this share of its time or more is saturated, unless the backlog went away again.
_SATURATED_SHARE: Final = 0.3
_LASTING_SHARE: Final = 0.5
#: A rate is a mean over this time at least, s.
_MIN_RATE_S: Final = 0.5
#: Flushes come in bursts. The queue is compared over thirds of the hold, each this long at least, s.
_MIN_THIRD_S: Final = 1.0
#: The queue grows if it gains this share of what is flushed meanwhile, and as many writes at least.
_GROWTH_SHARE: Final = 0.05
_GROWTH_MIN: Final = 50


@dataclass(frozen=True, slots=True)
class Offered:
    """How the service kept up with a schedule, in the hold and before the first outage."""

    #: Whether the schedule asked for more than could be answered.
    saturated: bool = False
    #: Requests a second that were answered while others waited; None: none waited for long.
    saturates_at: float | None = None
    #: The share of the time in which requests waited for a free connection, 0 to 1.
    waited: float = 0.0
    #: How many waited at the end.
    backlog: int = 0


@dataclass(frozen=True, slots=True)
class Flushing:
    """How the worker kept up with the acknowledged writes, in the hold and before the first outage."""

    #: Writes a second by which the queue in Redis grew; 0 if the worker kept up, or if it can't be told.
    queue_growth: float = 0.0
    #: Rows a second that were written meanwhile; None: the worker kept up.
    saturates_at: float | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """How the lab kept up with a load."""

    offered: Offered
    flushing: Flushing


def assess(moments: Sequence[Moment], rate: float | None) -> Capacity:
    """How the lab kept up; see `against_schedule` and `of_worker`."""
    return Capacity(against_schedule(moments, rate), of_worker(moments))


def against_schedule(moments: Sequence[Moment], rate: float | None) -> Offered:
    """How the service kept up.

    Args:
        moments: Of the whole load, in their order.
        rate: Requests a second that the schedule asks for; None: there is no schedule.
    """
    hold = undisturbed_hold(moments)
    if rate is None or len(hold) < 2:
        return Offered()
    slack = max(1.0, rate * _SLACK_S)
    waiting = [(a, b) for a, b in pairwise(hold) if min(a.backlog, b.backlog) > slack]
    seconds = sum(b.elapsed - a.elapsed for a, b in waiting)
    waited = seconds / (hold[-1].elapsed - hold[0].elapsed)
    if seconds < _MIN_RATE_S:
        return Offered(waited=waited, backlog=hold[-1].backlog)
    peak = max(moment.backlog for moment in hold)
    lasts = hold[-1].backlog >= _LASTING_SHARE * peak
    return Offered(
        saturated=waited >= _SATURATED_SHARE and lasts,
        saturates_at=sum(b.requests - a.requests for a, b in waiting) / seconds,
        waited=waited,
        backlog=hold[-1].backlog,
    )


def of_worker(moments: Sequence[Moment]) -> Flushing:
    """How the worker kept up.

    A queue that is filled for the first time also grows, for as long as the worker waits before it flushes.
    So it has to grow from each third of the hold to the next, while rows are written.
    """
    thirds = _thirds(undisturbed_hold(moments))
    if thirds is None:
        return Flushing()
    first, second, third = thirds
    grown, seconds = _mean_waiting(third) - _mean_waiting(second), _mean_time(third) - _mean_time(second)
    rows_per_second = (third[-1].rows - second[0].rows) / (third[-1].elapsed - second[0].elapsed)
    least = max(_GROWTH_MIN, _GROWTH_SHARE * rows_per_second * seconds)
    if not rows_per_second or grown < least or _mean_waiting(second) - _mean_waiting(first) < least:
        return Flushing()
    return Flushing(queue_growth=grown / seconds, saturates_at=rows_per_second)


def _thirds(hold: Sequence[Moment]) -> tuple[list[Moment], list[Moment], list[Moment]] | None:
    """None: the hold is too short."""
    if not hold or hold[-1].elapsed - hold[0].elapsed < 3 * _MIN_THIRD_S:
        return None
    begin, length = hold[0].elapsed, (hold[-1].elapsed - hold[0].elapsed) / 3
    parts: tuple[list[Moment], list[Moment], list[Moment]] = ([], [], [])
    for moment in hold:
        parts[min(2, int((moment.elapsed - begin) / length))].append(moment)
    return parts if all(len(part) > 1 for part in parts) else None


def _mean_waiting(moments: Sequence[Moment]) -> float:
    return sum(moment.waiting for moment in moments) / len(moments)


def _mean_time(moments: Sequence[Moment]) -> float:
    return sum(moment.elapsed for moment in moments) / len(moments)
