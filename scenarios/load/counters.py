"""What a load has counted so far."""

from dataclasses import dataclass
from typing import Final

#: A generator that is at work for more than this share of the time limits the load.
_LIMITING_BUSY_SHARE: Final = 0.9
#: So does one that sends more than this share of its requests late, unless it is at work for less than that
#: share of the time: then the machine was slow, and the generator did not have too much to do.
_LIMITING_LATE_SHARE: Final = 0.05
_LATE_BUSY_SHARE: Final = 0.3
#: A shorter load can't tell: a burst keeps any generator at work while it lasts.
_SHORTEST_CONCLUSIVE_S: Final = 1.0


@dataclass(slots=True)
class Counters:
    """One thread writes, another may read: each field on its own is consistent."""

    #: Requests whose outcome is known to the client: answered, timed out or broken off.
    requests: int = 0
    #: Answers other than 2xx, timeouts, lost connections, and attempts to connect that failed.
    errors: int = 0
    #: How many of the requests were reads, and how many of the errors.
    reads: int = 0
    read_errors: int = 0
    #: How many of the errors were attempts to connect.
    failed_connects: int = 0
    #: Requests that are due right now and wait for a free connection.
    backlog: int = 0
    #: Reads that showed no version, or one older than was acknowledged to the same client.
    stale_reads: int = 0
    #: Requests of the schedule that were due but never sent.
    unsent: int = 0
    #: Requests sent late although a connection was free: the generator was too slow.
    late: int = 0
    #: s since the load began.
    elapsed: float = 0.0
    #: How much of that the generator had nothing to do, s.
    idle: float = 0.0

    @property
    def writes(self) -> int:
        """How many of the requests were writes."""
        return self.requests - self.reads

    @property
    def write_errors(self) -> int:
        """How many writes failed."""
        return self.errors - self.read_errors - self.failed_connects

    @property
    def rate(self) -> float:
        """Requests a second, to a tenth, so that every display shows the same figure."""
        return round(self.requests / self.elapsed, 1) if self.elapsed else 0.0

    @property
    def busy(self) -> float:
        """The share of the time, 0 to 1, that the generator was at work or waited for a processor."""
        return 1 - self.idle / self.elapsed if self.elapsed else 0.0

    @property
    def generator_limited(self) -> bool:
        """Whether the figures say more about the generator than about the service. After a short run: no."""
        if self.elapsed < _SHORTEST_CONCLUSIVE_S:
            return False
        if self.busy > _LIMITING_BUSY_SHARE:
            return True
        return self.busy > _LATE_BUSY_SHARE and self.late > _LIMITING_LATE_SHARE * self.requests
