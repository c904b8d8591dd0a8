"""What the stack reports while it works. One type of event, several displays."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

ServiceState = Literal[
    "missing",
    "starting",
    "running",
    "healthy",
    "unhealthy",
    "paused",
    "stopping",
    "stopped",
    "died",
    "removed",
]


@dataclass(frozen=True, slots=True)
class ServiceChanged:
    """A service came into another state."""

    service: str
    state: ServiceState
    #: What a person wants to know beside the state ("127.0.0.1:8000", "0.4 s"); may be empty.
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StackNoted:
    """A decision worth telling ("no Docker engine answers: running locally")."""

    text: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """Progress of a longer piece of work. `done == total` ends it."""

    label: str
    done: int
    total: int


StackEvent = ServiceChanged | StackNoted | Advanced
#: Work that reports while it is consumed. To interrupt it, close it: it then cleans up.
StackEvents = Generator[StackEvent, None, None]
