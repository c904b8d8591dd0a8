"""What is seen of the target of a fault at one moment: the raw material of receipts. Plain data, no I/O."""

from dataclasses import dataclass

from stack.spec.events import ServiceState
from stack.spec.runtime import Reach


@dataclass(frozen=True, slots=True)
class Process:
    """One process: a pid may be used again, but not at the same time of start."""

    pid: int
    #: Unix time in s.
    started_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What Redis holds."""

    #: When this memory began, µs of the clock of Redis; None if no script has run in it.
    epoch: int | None
    #: DBSIZE.
    keys: int
    #: Products and older entries that only Redis holds, and since when the oldest of them waits, s.
    unwritten: int
    oldest_age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look. What does not belong to the target is None."""

    #: When its memory was read, s of labctl's monotonic clock; else when the look began.
    at: float
    #: Of a service; its process is None while it does not run.
    state: ServiceState | None = None
    process: Process | None = None
    #: What a client meets; None for the worker, which has no port.
    reach: Reach | None = None
    #: Of Redis, while it answers.
    memory: Memory | None = None
    #: Of failures on purpose: whether they are on, and how many attempts to write have failed so far.
    failing: bool | None = None
    failed: int = 0
