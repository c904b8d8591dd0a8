"""The buffer between the service and PostgreSQL: pending entries in Redis, claimed under a lease."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from service.writebehind.errors import QueueFull
from service.writebehind.scripts import Scripts, plain_commands
from service.writebehind.settings import Settings

Operation = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Redis has taken the write."""

    document: bytes
    #: Whether the caller must see to it that a flush job runs.
    signal: bool


#: missing: not in Redis, look in PostgreSQL; gone: deleted; write_through: PostgreSQL must be written first.
NotAccepted = Literal["missing", "gone", "write_through"]


@dataclass(frozen=True, slots=True)
class KnownRow:
    """What PostgreSQL knows of a product that Redis does not."""

    version: int = 0
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One claimed row."""

    id: str
    version: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows that are this worker's until the lease ends."""

    #: Identifies the lease, in µs of lab time.
    token: int
    rows: tuple[Claimed, ...]
    #: Without rows: s until something will be due, None where nothing is queued.
    wait: float | None


class Buffer:
    """The scripts of the write path as calls. Raises `CacheUnavailable` and `OutcomeUnknown`."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def write(
        self,
        operation: Operation,
        product_id: str,
        head: bytes,
        *,
        now: str,
        known: KnownRow,
        policy: str,
        settings: Settings,
    ) -> Accepted | NotAccepted:
        """Take one write in one atomic step. `policy` is the one that this request asked for, or ''.

        Raises:
            QueueFull: MAX_PENDING is reached and the overflow policy is to reject.
        """
        reply = self._scripts.run(
            "write",
            (
                keys.cache(product_id), keys.PENDING, keys.QUEUE, keys.INFLIGHT, keys.BACKLOG, keys.CLOCK,
                keys.SIGNAL, keys.TOTALS, keys.CONFIG, keys.fill(product_id),
            ),
            (
                product_id, operation, head, now, known.version, known.created_at, policy,
                settings.write_policy, "true" if settings.write_coalescing_enabled else "false",
                settings.max_pending, settings.overflow_policy, settings.cache_ttl_seconds,
            ),
        )  # fmt: skip
        outcome = reply[0]
        if outcome == b"ok":
            return Accepted(reply[1], bool(reply[2]))
        if outcome == b"full":
            raise QueueFull("the queue is full: PostgreSQL does not keep up")
        answer: NotAccepted = outcome.decode()
        return answer

    def claim(self, settings: Settings) -> Claim:
        """Claim what is due, at most a batch."""
        token, wait, ids, versions, entries = self._scripts.run(
            "claim",
            (
                keys.QUEUE, keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.CLOCK,
                keys.FLUSH_NOW, keys.TOTALS,
            ),
            (settings.batch_size, settings.flush_delay_ms * 1000, settings.lease_ms * 1000),
        )  # fmt: skip
        rows = tuple(
            # An id that is not UTF-8 is none of ours, but it must be acknowledged under its own name.
            Claimed(i.decode(errors="surrogateescape"), int(v), e)
            for i, v, e in zip(ids, versions, entries, strict=True)
        )
        return Claim(int(token), rows, None if wait < 0 else wait / 1e6)

    def ack(self, claim: Claim, rows: Sequence[Claimed], *, rows_written: int) -> None:
        """These rows of the claim are in PostgreSQL."""
        pairs: Iterator[Any] = chain.from_iterable((row.id, row.version) for row in rows)
        self._scripts.run(
            "ack",
            (keys.PENDING, keys.INFLIGHT, keys.QUEUE, keys.BACKLOG, keys.TOTALS),
            (claim.token, rows_written, *pairs),
        )

    def release(self, claim: Claim, rows: Sequence[Claimed]) -> None:
        """Give these rows back untried."""
        pairs: Iterator[Any] = chain.from_iterable((row.id, row.version) for row in rows)
        self._scripts.run(
            "release",
            (keys.PENDING, keys.INFLIGHT, keys.QUEUE, keys.BACKLOG, keys.TOTALS),
            (claim.token, *pairs),
        )

    def retry(self, claim: Claim, rows: Sequence[tuple[Claimed, int, float]]) -> None:
        """Let these rows wait: (row, attempts so far, s until the next)."""
        args: Iterator[Any] = chain.from_iterable(
            (row.id, row.version, n, int(wait * 1e6)) for row, n, wait in rows
        )
        self._scripts.run(
            "retry",
            (keys.PENDING, keys.INFLIGHT, keys.QUEUE, keys.BACKLOG, keys.TOTALS, keys.RETRY, keys.CLOCK),
            (claim.token, *args),
        )

    def dead_letter(self, claim: Claim, letters: Sequence[DeadLetter]) -> None:
        """Give these rows up."""
        args: Iterator[Any] = chain.from_iterable(
            (letter.id, letter.version, letter.encode()) for letter in letters
        )
        caches = (keys.cache(letter.id) for letter in letters)
        self._scripts.run(
            "dead_letter",
            (keys.PENDING, keys.INFLIGHT, keys.QUEUE, keys.BACKLOG, keys.TOTALS, keys.DLQ, *caches),
            (claim.token, *args),
        )

    def heartbeat(self, name: str, document: bytes) -> None:
        """Say how the worker of this name is: a JSON object, to which the script adds `at`. Said again
        within `keys.WORKER_LIFE_US`, or the worker counts as gone."""
        self._scripts.run("heartbeat", (keys.WORKERS, keys.CLOCK), (name, document, keys.WORKER_LIFE_US))

    def farewell(self, name: str) -> None:
        """The worker of this name ends in good order."""
        with plain_commands():
            self._scripts.client.hdel(keys.WORKERS, name)

    def flush_now(self) -> None:
        """Make everything that is pending due."""
        with plain_commands():
            seconds, micros = self._scripts.client.time()
            self._scripts.client.set(keys.FLUSH_NOW, seconds * 1_000_000 + micros)

    def flush_started(self) -> None:
        """A flush job runs: the next write that finds the queue without its product signals another."""
        with plain_commands():
            self._scripts.client.delete(keys.SIGNAL)

    def restore(self) -> int:
        """Queue what is pending but nowhere queued; return how much that was. Nothing, unless a key was
        taken away by hand or a script ended in the middle."""
        keys_ = (keys.QUEUE, keys.PENDING, keys.INFLIGHT, keys.RETRY)
        return int(self._scripts.run("restore", keys_, ()))

    def has_work(self, settings: Settings) -> bool:
        """Whether anything is queued, or claimed by a worker that died, or due for a retry."""
        now = self.now_us()
        with plain_commands():
            pipe = self._scripts.client.pipeline(transaction=False)
            pipe.llen(keys.QUEUE)
            pipe.zcount(keys.INFLIGHT, "-inf", now - settings.lease_ms * 1000)
            pipe.zcount(keys.RETRY, "-inf", now)
            return any(pipe.execute())

    def now_us(self) -> int:
        """Redis time in µs."""
        with plain_commands():
            seconds, micros = self._scripts.client.time()
            return int(seconds) * 1_000_000 + int(micros)

    def live_settings(self, own: Settings) -> Settings:
        """A process's own settings with what was changed live."""
        with plain_commands():
            stored: Any = self._scripts.client.hgetall(keys.CONFIG)
        return own.with_stored(stored)
