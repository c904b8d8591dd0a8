"""From the options of a load to what is sent when."""

from dataclasses import dataclass
from typing import Final

from scenarios.load.schedule import ClosedLoop, OpenLoop, Pace, Shape
from scenarios.options import RATE, Number, Options

#: A load that ends after a number of writes may take this long at most, however low its rate.
_LONGEST_COUNTED_S: Final = 3600.0
#: How long a burst may take: far longer than a service that works needs for it.
_BURST_TIMEOUT_S: Final = 30.0
#: Connections of an open loop unless the user says otherwise: enough to send every request on time while
#: answers take tens of milliseconds.
_OPEN_LOOP_CLIENTS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much a load sends, apart from its options."""

    #: Clients of a closed loop unless the user says otherwise.
    clients: int
    #: Requests in all; None: as many as fit into the duration.
    count: int | None = None
    #: The share of the duration that each ramp takes.
    ramp: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent when, and by how many clients."""

    pace: Pace
    clients: int
    #: s, 0 for a load that ends after a number of requests.
    planned: float
    #: Requests a second of an open loop, None for a closed one.
    rate: float | None = None


def rate_of(count: int) -> Number:
    """The option --rate of a load that ends after `count` requests: it must come to its end."""
    return Number(name=RATE.name, unit=RATE.unit, least=count / _LONGEST_COUNTED_S, most=RATE.most)


def plan(extent: Extent, options: Options) -> Plan:
    """What the load sends with these options."""
    if extent.count is not None:
        return _counted(extent, extent.count, options)
    shape = Shape(options.duration, extent.ramp * options.duration)
    if options.rate is not None:
        clients = options.clients or _OPEN_LOOP_CLIENTS
        return Plan(OpenLoop(shape, options.rate), clients, options.duration, options.rate)
    clients = options.clients or extent.clients
    return Plan(ClosedLoop(shape, clients), clients, options.duration)


def _counted(extent: Extent, count: int, options: Options) -> Plan:
    clients = options.clients or extent.clients
    if options.rate is None:
        return Plan(ClosedLoop(Shape(_BURST_TIMEOUT_S), clients, count), clients, 0.0)
    return Plan(OpenLoop(Shape(count / options.rate), options.rate), clients, 0.0, options.rate)
