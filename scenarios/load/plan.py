"""From the options of a load to what is sent when."""

from dataclasses import dataclass, replace
from typing import Final

from scenarios.load.schedule import ClosedLoop, OpenLoop, Pace, Shape
from scenarios.options import RATE, WRITES_PER_SECOND, Number, Options

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


def rates_of(count: int) -> tuple[Number, Number]:
    """The options --rate and --writes-per-second of a load that ends after `count` writes: it must come to
    its end."""
    least = count / _LONGEST_COUNTED_S
    return replace(RATE, least=least), replace(WRITES_PER_SECOND, least=least)


def plan(extent: Extent, options: Options, *, writes: float = 1.0) -> Plan:
    """What the load sends with these options.

    Args:
        writes: The share of requests that write, 0 to 1.
    """
    rate = options.rate
    if options.writes_per_second is not None:
        rate = options.writes_per_second / writes
    usual = extent.clients if rate is None or extent.count is not None else _OPEN_LOOP_CLIENTS
    # Each client needs a product of its own.
    clients = options.clients or min(usual, options.keys or usual)
    if extent.count is not None:
        return _counted(extent.count, clients, rate)
    shape = Shape(options.duration, extent.ramp * options.duration)
    pace = ClosedLoop(shape, clients) if rate is None else OpenLoop(shape, rate)
    return Plan(pace, clients, options.duration, rate)


def _counted(count: int, clients: int, rate: float | None) -> Plan:
    if rate is None:
        return Plan(ClosedLoop(Shape(_BURST_TIMEOUT_S), clients, count), clients, 0.0)
    return Plan(OpenLoop(Shape(count / rate), rate), clients, 0.0, rate)
