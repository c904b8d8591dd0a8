"""What the stack reports while it works; several displays show it."""

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
    """A service changed its state."""

    service: str
    state: ServiceState
    #: More for a person to know ("127.0.0.1:8000, 0.4 s"); may be empty.
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StackNoted:
    """A decision that the user should know about ("no Docker engine answers: running locally")."""

    text: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """Progress of a longer piece of work. `done == total` ends it."""

    label: str
    done: int
    total: int


StackEvent = ServiceChanged | StackNoted | Advanced
#: Work that reports as it is iterated over. Closing it interrupts the work, which then cleans up.
StackEvents = Generator[StackEvent, None, None]
