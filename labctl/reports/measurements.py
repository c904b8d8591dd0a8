"""What is measured all through a run, gathered in one pass and in little memory."""

from dataclasses import dataclass, field
from typing import Final

from labctl.reports.histogram import Histogram
from labctl.reports.timeline import Timeline
from scenarios.journal.lines import SampleLine, WriteLine
from scenarios.judge.ledger import Answer

#: Up to this many durations, a chart shows each of them.
_EACH_SHOWN: Final = 400


@dataclass(slots=True)
class Queue:
    """What waited in Redis during a slice of time, at most; and the running totals at its end."""

    waiting: int = 0
    inflight: int = 0
    retrying: int = 0
    dead_letters: int = 0
    #: When the last sample was taken, s since the run began.
    at: float = 0.0
    accepted: int = 0
    coalesced: int = 0
    persisted: int = 0

    def sample(self, line: SampleLine) -> None:
        self.merge(
            Queue(
                line.queue,
                line.inflight,
                line.retrying,
                line.dead_letters,
                line.at,
                line.accepted,
                line.coalesced,
                line.persisted,
            )
        )

    def merge(self, other: "Queue") -> None:
        """Take in a later one."""
        self.waiting = max(self.waiting, other.waiting)
        self.inflight = max(self.inflight, other.inflight)
        self.retrying = max(self.retrying, other.retrying)
        self.dead_letters = max(self.dead_letters, other.dead_letters)
        self.at, self.accepted = other.at, other.accepted
        self.coalesced, self.persisted = other.coalesced, other.persisted


@dataclass(slots=True)
class Durations:
    """Durations that end at moments of the run."""

    #: All of them.
    whole: Histogram = field(default_factory=Histogram)
    over_time: Timeline[Histogram] = field(default_factory=lambda: Timeline(Histogram))
    #: Each with its moment; empty if there are too many to be shown one by one.
    each: list[tuple[float, float]] = field(default_factory=list)

    def add(self, at: float, ms: float) -> None:
        """Take in one.

        Args:
            at: s since the run began.
        """
        self.whole.add(ms)
        self.over_time.at(at).add(ms)
        if self.whole.count <= _EACH_SHOWN:
            self.each.append((at, ms))
        elif self.each:
            self.each.clear()


@dataclass(slots=True)
class Measurements:
    """The samples, and the durations by what they are of."""

    queue: Timeline[Queue] = field(default_factory=lambda: Timeline(Queue))
    latency: dict[Answer, Durations] = field(default_factory=dict)
    persist_lag: Durations = field(default_factory=Durations)

    @property
    def writes(self) -> int:
        """How many writes there are."""
        return sum(durations.whole.count for durations in self.latency.values())

    def sample(self, line: SampleLine) -> None:
        self.queue.at(line.at).sample(line)

    def write(self, line: WriteLine) -> None:
        """Count one write. Its latency begins when it was due: a stall is not hidden."""
        if (durations := self.latency.get(line.answer)) is None:
            durations = self.latency[line.answer] = Durations()
        durations.add(line.finished, 1000 * (line.finished - line.begun))
