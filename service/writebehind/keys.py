"""Every Redis key of the write path, and the name of the RQ queue. No other module spells one."""

import re
from dataclasses import dataclass
from typing import Final

#: LIST of the ids of dirty products, oldest first write first. Its length is *the* queue size.
QUEUE: Final = "write_behind:queue"
#: HASH id → newest unpersisted entry (see entry.py).
PENDING: Final = "write_behind:pending"
#: ZSET of claimed ids; the score is when they were claimed, in µs of lab time, unique to its claim.
INFLIGHT: Final = "write_behind:inflight"
#: ZSET of ids that wait for another attempt; the score is when it is due, in µs of lab time.
RETRY: Final = "write_behind:retry"
#: ZSET, ordered by member: older entries of a product, kept only while coalescing is off.
BACKLOG: Final = "write_behind:backlog"
#: LIST of JSON dead letters, oldest first.
DLQ: Final = "write_behind:dlq"
#: STRING: the lab's clock, `<moment> <wall> <epoch>` (see `Clock`). Due times, leases and versions are its
#: moments, so a step of Redis' wall clock delays nothing.
CLOCK: Final = "write_behind:clock"
#: STRING, present while a flush job is enqueued and has not started.
SIGNAL: Final = "write_behind:signal"
#: STRING: entries first written up to this lab time (µs) are due, whatever the window says.
FLUSH_NOW: Final = "write_behind:flush_now"
#: HASH of running totals.
TOTALS: Final = "write_behind:totals"
#: HASH of settings changed live; they override what a process read from its environment.
CONFIG: Final = "write_behind:config"
#: HASH worker name → JSON of its state. Its last member is `at`, in µs of lab time. If that is more than
#: `WORKER_LIFE_US` ago, or in the future, the worker is gone.
WORKERS: Final = "write_behind:workers"
WORKER_LIFE_US: Final = 3_000_000

#: The type of each key, in Redis' terms; all others hold strings.
TYPES: Final = {
    QUEUE: "list", PENDING: "hash", INFLIGHT: "zset", RETRY: "zset", BACKLOG: "zset", DLQ: "list",
    TOTALS: "hash", CONFIG: "hash", WORKERS: "hash",
}  # fmt: skip

#: The RQ queue that flush jobs go through, and the job's function.
RQ_QUEUE: Final = "write-behind"
RQ_FLUSH: Final = "worker.tasks.flush"


def cache(product_id: str) -> str:
    """The cache entry of one product: its JSON document, with a TTL."""
    return f"cache:product:{product_id}"


def fill(product_id: str) -> str:
    """The right to fill one product's cache entry from PostgreSQL (a memcache-style lease)."""
    return f"cache:fill:{product_id}"


#: A clock beyond the year 2200, in µs, is junk (see entry.lua).
LATEST_US: Final = 7_300_000_000_000_000
_CLOCK: Final = re.compile(r"(\d{1,16}) (\d{1,16}) (\d{1,16})")


@dataclass(frozen=True, slots=True)
class Clock:
    """The lab's clock as the last script left it; all in µs."""

    #: The last moment handed out. It never goes back while Redis keeps its memory.
    moment: int
    #: Redis' TIME at that moment.
    wall: int
    #: Redis' TIME when this memory began. It is lost with the memory, so another epoch means that what was
    #: only in Redis is gone.
    epoch: int


def parse_clock(value: bytes | str | None) -> Clock | None:
    """The value of `CLOCK`; None if it is missing or junk (the next script starts a new clock).

    >>> parse_clock(b"1764100000000000 1764096400000000 1764090000000000").epoch
    1764090000000000
    """
    text = value.decode(errors="replace") if isinstance(value, bytes) else value or ""
    match = _CLOCK.fullmatch(text)
    if match is None or max(int(match[1]), int(match[2])) >= LATEST_US:
        return None
    return Clock(*map(int, match.groups()))
