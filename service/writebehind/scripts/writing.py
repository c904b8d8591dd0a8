"""Writes that Redis takes: new ones, and dead letters that are put back."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from service.writebehind import keys
from service.writebehind.scripts.script import Runner
from service.writebehind.settings import Settings

Operation = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class KnownRow:
    """What the caller found in PostgreSQL. By default it has not looked."""

    #: 0 if there is no row.
    version: int = 0
    #: ISO 8601; '' if there is no row.
    created_at: str = ""
    state: Literal["", "row", "deleted", "nowhere"] = ""


NOT_LOOKED: Final = KnownRow()


@dataclass(frozen=True, slots=True)
class Superseded:
    """A write that a later one of its product replaced before any flush."""

    version: int
    #: '' if it was not traced.
    traceparent: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Redis has taken the write."""

    document: bytes
    #: Whether the caller must enqueue a flush job.
    signal: bool
    #: Whether it replaced an entry that no worker had claimed.
    coalesced: bool = False
    #: The entry that the write replaced. It is looked up only for a traced write.
    superseded: Superseded | None = None


class Absent(Enum):
    """There is no product to update or delete."""

    #: Redis does not know it, or PostgreSQL is being written: look there, then try again.
    MISSING = b"missing"
    #: It is deleted.
    GONE = b"gone"


class NotQueued(Enum):
    """The write was not taken."""

    #: The policy says, or MAX_PENDING forces, that PostgreSQL is written first.
    WRITE_THROUGH = b"write_through"
    #: MAX_PENDING is reached, and OVERFLOW_POLICY is `reject`.
    FULL = b"full"


WriteReply = Accepted | Absent | NotQueued
#: What write.lua says of a write that it takes.
_SIGNAL, _COALESCED = 1, 2
_DECLINED: Final[dict[bytes, Absent | NotQueued]] = {reply.value: reply for reply in (*Absent, *NotQueued)}


def write(
    scripts: Runner,
    operation: Operation,
    product_id: str,
    head: bytes,
    *,
    now: str,
    known: KnownRow,
    policy: str,
    settings: Settings,
    traceparent: str = "",
) -> WriteReply:
    """Take one write in one atomic step.

    Args:
        head: The document up to its times and version, which the script adds.
        now: `updated_at`, ISO 8601.
        policy: The write policy that this request asked for, '' for none.
        settings: The process's own; live settings in Redis override them.
        traceparent: W3C trace context that goes with the entry, '' for none.
    """
    reply = scripts.run(
        "write",
        (
            keys.cache(product_id), keys.PENDING, keys.QUEUE, keys.INFLIGHT, keys.BACKLOG, keys.CLOCK,
            keys.SIGNAL, keys.TOTALS, keys.CONFIG, keys.fill(product_id),
        ),
        (
            product_id, operation, head, now, known.version, known.created_at, known.state, policy,
            settings.write_policy, "true" if settings.write_coalescing_enabled else "false",
            settings.max_pending, settings.overflow_policy, settings.cache_ttl_seconds, traceparent,
        ),
    )  # fmt: skip
    if reply[0] == b"ok":
        superseded = Superseded(int(reply[3]), reply[4].decode()) if len(reply) > 3 else None
        return Accepted(reply[1], reply[2] == _SIGNAL, reply[2] == _COALESCED, superseded)
    return _DECLINED[reply[0]]


class Requeued(Enum):
    """What became of a dead letter that was to be put back."""

    #: It was taken already, or holds no write: then it went to the end of the dead letter queue.
    LEFT = -1
    #: Something newer is known: the letter was dropped.
    SUPERSEDED = 0
    #: Its write is pending again.
    PENDING = 1


def requeue(
    scripts: Runner,
    letter: bytes,
    *,
    product_id: str,
    version: int,
    document: bytes,
    writes: int,
    traceparent: str = "",
) -> tuple[Requeued, bool]:
    """Put one dead letter back, under its own version.

    Args:
        letter: As it stands in the queue.
        product_id: '' if the letter holds no write that could be put back.
        document: Empty if PostgreSQL holds this version or a newer one.
        writes: How many acknowledged writes the letter stands for.
        traceparent: Of its write, '' for none.

    Returns:
        What became of it, and whether the caller must enqueue a flush job.
    """
    outcome, signal = scripts.run(
        "requeue",
        (
            keys.DLQ, keys.PENDING, keys.QUEUE, keys.INFLIGHT, keys.SIGNAL, keys.TOTALS,
            keys.cache(product_id), keys.CLOCK, keys.fill(product_id), keys.BACKLOG,
        ),
        (letter, product_id, version, document, writes, traceparent),
    )  # fmt: skip
    return Requeued(outcome), bool(signal)
