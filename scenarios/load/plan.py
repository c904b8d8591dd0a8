"""From the options of a command line to a plan that makes sense, before anything is started."""

from dataclasses import dataclass
from typing import Final

from scenarios.load.schedule import ClosedLoop, OpenLoop, Pace, Shape
from scenarios.scenario import Options
from stack.errors import UsageError

#: s that a number of requests may take, however few of them are sent a second.
_LONGEST: Final = 3600.0
#: s that a burst gets: far more than it takes on a service that works.
_BURST_SECONDS: Final = 30.0
#: Connections of an open loop at most, unless the user says: enough to meet every request on time while
#: answers take tens of milliseconds.
_CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a load does unless the user says otherwise. Either `duration` or `count` ends it."""

    clients: int
    #: s
    duration: float = 0.0
    #: Requests in all; None: as many as fit into the duration.
    count: int | None = None
    #: The share of the duration that each ramp takes.
    ramp: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    pace: Pace
    clients: int
    #: s, 0 where the load ends by count.
    planned: float
    #: Requests a second of an open loop, None for a closed one.
    rate: float | None = None


def plan(defaults: Defaults, options: Options) -> Plan:
    """Raises UsageError where options don't go together."""
    if defaults.count is not None:
        return _counted(defaults, defaults.count, options)
    duration = options.duration or defaults.duration
    shape = Shape(duration, defaults.ramp * duration)
    if options.rate is not None:
        return Plan(OpenLoop(shape, options.rate), options.clients or _CONNECTIONS, duration, options.rate)
    clients = options.clients or defaults.clients
    return Plan(ClosedLoop(shape, clients), clients, duration)


def _counted(defaults: Defaults, count: int, options: Options) -> Plan:
    if options.duration is not None:
        raise UsageError(
            f"--duration has no meaning here: this load ends after {count} writes",
            hint="leave --duration out, or choose the load `basic` or `coalescing`",
        )
    clients = options.clients or defaults.clients
    if options.rate is None:
        return Plan(ClosedLoop(Shape(_BURST_SECONDS), clients, count), clients, 0.0)
    duration = count / options.rate
    if duration > _LONGEST:
        raise UsageError(
            f"--rate {options.rate:g} would make {count} writes last {duration:,.0f} s",
            hint=f"give at least {count / _LONGEST:.3f} requests a second",
        )
    return Plan(OpenLoop(Shape(duration), options.rate), clients, 0.0, options.rate)
