"""When requests are sent: closed loops by concurrency, open loops by the clock. Pure arithmetic."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

#: How long an open loop that fell behind may go on after its end, to send what is still due.
_CATCH_UP_S: Final = 1.0
#: Requests that were never sent are summed up in about this many portions.
_OVERDUE_PORTIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Shape:
    """How strong the load is at each time: a ramp up, a level part, a ramp down."""

    #: s
    duration: float
    #: s of ramp on each side, at most half of the duration.
    ramp: float = 0.0

    def level(self, at: float) -> float:
        """The share of the full load at `at` s, 0 to 1."""
        if not 0 <= at < self.duration:
            return 0.0
        if self.ramp <= 0:
            return 1.0
        return min(1.0, at / self.ramp, (self.duration - at) / self.ramp)

    def phase(self, at: float) -> str:
        """What the load is doing at `at` s, in words."""
        if at >= self.duration:
            return "finishing"
        if self.ramp <= 0:
            return "running"
        if at < self.ramp:
            return "ramp up"
        return "ramp down" if at > self.duration - self.ramp else "hold"

    @property
    def area(self) -> float:
        """How long a load without ramps would be that sends as many requests, s."""
        return self.duration - self.ramp

    def amount(self, at: float) -> float:
        """What the load has amounted to at `at` s, in s of full load: the integral of `level`."""
        at = min(max(0.0, at), self.duration)
        if self.ramp <= 0:
            return at
        up, down = min(at, self.ramp), max(0.0, at - self.duration + self.ramp)
        return up * up / (2 * self.ramp) + max(0.0, at - self.ramp) - down * down / (2 * self.ramp)

    def when(self, share: float) -> float:
        """The time at which the load has amounted to `share` s of full load: the inverse of `amount`."""
        if self.ramp > 0 and share < self.ramp / 2:
            return math.sqrt(2 * self.ramp * share)
        left = self.area - share
        if self.ramp > 0 and left < self.ramp / 2:
            return self.duration - math.sqrt(2 * self.ramp * max(0.0, left))
        return share + self.ramp / 2


class Pace(Protocol):
    """Decides when a request may be sent. Times are s since the load began."""

    @property
    def shape(self) -> Shape: ...

    def take(self, now: float, in_flight: int) -> float | None:
        """When the request that may be sent now was due; None if none may be sent yet."""

    def wait(self, now: float) -> float:
        """For how long `take` will return None unless an answer comes, s."""

    def over(self, now: float) -> bool:
        """Whether `take` will always return None from now on."""

    def backlog(self, now: float) -> int:
        """How many requests are due and wait for a free connection."""

    def overdue(self, now: float) -> Iterator[tuple[float, int]]:
        """The requests that are due but were not taken, in portions: since when, and how many."""


@dataclass(slots=True)
class ClosedLoop:
    """Several clients. Each sends its next request as soon as it has the answer to its last one."""

    shape: Shape
    clients: int
    #: Requests in all; None: as many as fit into the duration.
    count: int | None = None
    _taken: int = field(default=0, init=False)

    def take(self, now: float, in_flight: int) -> float | None:
        if self.over(now) or in_flight >= math.ceil(self.shape.level(now) * self.clients):
            return None
        self._taken += 1
        return now

    def wait(self, now: float) -> float:
        # More clients may start at any moment of a ramp; the generator's own tick is short enough for that.
        return math.inf

    def over(self, now: float) -> bool:
        return now >= self.shape.duration or self._taken == self.count

    def backlog(self, now: float) -> int:
        # Nothing is due before the client that sends it is free.
        return 0

    def overdue(self, now: float) -> Iterator[tuple[float, int]]:
        # If a number of requests ends the load, each was due from the beginning. Otherwise, none is ever due.
        if self.count is not None and self._taken < self.count:
            yield 0.0, self.count - self._taken


@dataclass(slots=True)
class OpenLoop:
    """A fixed schedule, however long the answers take. A stalled service does not hold back requests, and
    their latency counts from when they were due (no coordinated omission)."""

    shape: Shape
    #: Requests a second at the full level.
    rate: float
    _taken: int = field(default=0, init=False)
    _due: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._due = self.due(0)

    @property
    def count(self) -> int:
        """Requests in all; at least one."""
        return max(1, round(self.rate * self.shape.area))

    def due(self, number: int) -> float:
        """When the request of that number, from 0, is due, s."""
        return self.shape.when(number / self.rate)

    def take(self, now: float, in_flight: int) -> float | None:
        due = self._due
        if due > now or self.over(now):
            return None
        self._taken += 1
        self._due = self.due(self._taken)
        return due

    def wait(self, now: float) -> float:
        return math.inf if self.over(now) else max(0.0, self._due - now)

    def over(self, now: float) -> bool:
        return self._taken >= self.count or now >= self.shape.duration + _CATCH_UP_S

    def backlog(self, now: float) -> int:
        due = min(self.count, int(self.rate * self.shape.amount(now)) + 1)
        return max(0, due - self._taken)

    def overdue(self, now: float) -> Iterator[tuple[float, int]]:
        portion = max(1, (self.count - self._taken) // _OVERDUE_PORTIONS)
        for first in range(self._taken, self.count, portion):
            due = self.due(first)
            if due > now:
                return
            yield due, min(portion, self.count - first)
