"""What a load counted so far."""

from dataclasses import dataclass
from typing import Final

#: Above this share of its time at work, the generator is what limits the load.
_BUSY: Final = 0.9
#: Above this share of requests sent late for no reason but the generator's own, likewise; one that is at
#: work for less of its time than this was late because the machine was, not because it had too much to do.
_LATE: Final = 0.05
_AT_WORK: Final = 0.3
#: s. A burst keeps any generator at work while it lasts.
_LONG_ENOUGH: Final = 1.0


@dataclass(slots=True)
class Counters:
    """One thread writes, another may read: each field is consistent in itself."""

    #: Requests whose outcome is known to the client: answered, timed out or broken off.
    requests: int = 0
    #: Answers other than 2xx, timeouts, lost connections, and attempts to connect that failed.
    errors: int = 0
    #: Reads that showed an older version than was acknowledged to the same client, or none.
    stale_reads: int = 0
    #: Requests of the schedule that were due and never sent.
    unsent: int = 0
    #: Requests sent late although a connection was free: the generator's doing.
    late: int = 0
    #: s since the load began, and s thereof that the generator had nothing to do.
    elapsed: float = 0.0
    idle: float = 0.0

    @property
    def busy(self) -> float:
        """The share of its time that the generator was at work, or waited for a processor while it had
        work to do; 0 to 1."""
        return 1 - self.idle / self.elapsed if self.elapsed else 0.0

    @property
    def generator_limited(self) -> bool:
        """Whether the figures say more about the generator than about the service; a short run can't
        tell."""
        if self.elapsed < _LONG_ENOUGH:
            return False
        return self.busy > _BUSY or (self.busy > _AT_WORK and self.late > _LATE * self.requests)
