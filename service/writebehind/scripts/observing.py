"""The write path at one moment: the queue, the workers, the live settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.writebehind import keys
from service.writebehind.scripts.script import Runner, load

_CONDITION: Final = (
    keys.QUEUE, keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.CLOCK, keys.WORKERS, keys.CONFIG,
    keys.FLUSH_NOW,
)  # fmt: skip
Pairs = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """The queue as `inspect` found it."""

    now_us: int
    queue: int
    #: Products with an entry.
    pending: int
    inflight: int
    retrying: int
    backlog: int
    dlq: int
    totals: Pairs
    #: Ids and entries of the oldest products of the queue; an entry may be empty.
    items: Pairs
    #: First write of the oldest unpersisted entry, in µs of lab time; 0 if there is none.
    oldest_us: int


def inspect(scripts: Runner, *, items: int) -> QueueFacts:
    """The queue, at a cost that does not grow with it; `items` is how many products are shown at most."""
    now, queue, pending, inflight, retrying, backlog, dlq, totals, ids, entries, oldest = scripts.run(
        "inspect",
        (
            keys.QUEUE, keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.DLQ, keys.TOTALS,
            keys.CLOCK,
        ),
        (items,),
    )  # fmt: skip
    return QueueFacts(
        int(now), queue, pending, inflight, retrying, backlog, dlq, _pairs(totals),
        list(zip(ids, entries, strict=True)), int(oldest),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFacts:
    """What `condition` found, unchecked: anyone may have planted junk. Empty if there is nothing."""

    #: Redis' TIME, in µs.
    time_us: int
    clock: bytes
    flush_now: bytes
    workers: Pairs
    config: Pairs
    #: The entries at the head of the queue and of the oldest claim.
    queued: bytes
    claimed: bytes
    #: When that was claimed, and when the first retry is due, in µs of lab time.
    claimed_at: bytes
    retry_at: bytes
    #: How many entries are only in Redis.
    unwritten: int

    @classmethod
    def parse(cls, reply: Sequence[Any]) -> "ConditionFacts":
        """Raises ValueError if it is not a reply of the script."""
        seconds, micros, clock, flush_now, workers, config, queued, claimed, claimed_at, retry, count = reply
        return cls(
            time_us=int(seconds) * 1_000_000 + int(micros),
            clock=clock,
            flush_now=flush_now,
            workers=_pairs(workers),
            config=_pairs(config),
            queued=queued,
            claimed=claimed,
            claimed_at=claimed_at,
            retry_at=retry,
            unwritten=int(count),
        )


def condition(scripts: Runner) -> ConditionFacts:
    """Whether what is due gets done."""
    return ConditionFacts.parse(scripts.run("condition", _CONDITION, ()))


def condition_command() -> tuple[str | bytes | int, ...]:
    """The same as a Redis command, for a caller with a connection of its own; `ConditionFacts.parse` reads
    the reply."""
    return ("EVAL", load("condition"), len(_CONDITION), *_CONDITION)


def live_settings(scripts: Runner) -> dict[bytes, bytes]:
    """The settings that were changed live, as Redis holds them."""
    return dict(_pairs(scripts.run("config", (keys.CONFIG,), ())))


def heartbeat(scripts: Runner, name: str, document: bytes) -> None:
    """Publish how the worker of this name is: a JSON object, to which the script adds `at`."""
    scripts.run("heartbeat", (keys.WORKERS, keys.CLOCK), (name, document, keys.WORKER_LIFE_US))


def check_room(scripts: Runner) -> None:
    """Have Redis run a script that may write, and writes nothing.

    Raises:
        CacheUnavailable: Redis can't be reached, or takes no writes, for example because its memory is full.
        OutcomeUnknown: it does not answer.
    """
    scripts.run("room", (), ())


def _pairs(flat: Sequence[bytes]) -> Pairs:
    return list(zip(flat[::2], flat[1::2], strict=True))
