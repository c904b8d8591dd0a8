"""The buffer between the service and PostgreSQL: pending entries in Redis, claimed under a lease."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Literal

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from service.writebehind.errors import QueueFull
from service.writebehind.scripts import Scripts, map_redis_errors
from service.writebehind.settings import Settings

Operation = Literal["create", "update", "delete"]


#: Pending entries that one look for orphans goes through; Redis takes about 1 ms over a thousand.
_RESTORED_AT_ONCE: Final = 10_000
#: Bounds of a retry's wait: doublings, so that it stays a number, and the spread (see the worker).
_DOUBLED_AT_MOST: Final = 20
_JITTER_AT_MOST: Final = 2


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
    """What PostgreSQL knows of a product; by default nobody has looked."""

    version: int = 0
    created_at: str = ""
    state: Literal["", "row", "deleted", "nowhere"] = ""


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
        self._restore_cursor: bytes | str = "0"

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
                product_id, operation, head, now, known.version, known.created_at, known.state, policy,
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
            (
                settings.batch_size, settings.flush_delay_ms * 1000, settings.lease_ms * 1000,
                _longest_retry_us(settings),
            ),
        )  # fmt: skip
        rows = tuple(
            # An id that is not UTF-8 is none of ours, but it must be acknowledged under its own name.
            Claimed(i.decode(errors="surrogateescape"), int(v), e)
            for i, v, e in zip(ids, versions, entries, strict=True)
        )
        return Claim(int(token), rows, None if wait < 0 else wait / 1e6)

    def ack(self, claim: Claim, rows: Sequence[Claimed], *, rows_written: int) -> None:
        """These rows of the claim are in PostgreSQL."""
        keys_ = (keys.PENDING, keys.INFLIGHT, keys.QUEUE, keys.BACKLOG, keys.TOTALS)
        if len(rows) == len(claim.rows):
            ids = [row.id for row in rows]
            if self._scripts.run("ack", keys_, (claim.token, rows_written, *ids)) >= 0:
                return
        pairs: Iterator[Any] = chain.from_iterable((row.id, row.version) for row in rows)
        self._scripts.run("ack_rows", keys_, (claim.token, rows_written, *pairs))

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
        caches = chain.from_iterable((keys.cache(letter.id), keys.fill(letter.id)) for letter in letters)
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
        with map_redis_errors():
            self._scripts.client.hdel(keys.WORKERS, name)

    def flush_now(self) -> None:
        """Make everything that is pending due."""
        self._scripts.run("flush_now", (keys.FLUSH_NOW, keys.CLOCK), ())

    def flush_started(self) -> None:
        """A flush job runs: the next write that finds the queue empty signals another."""
        with map_redis_errors():
            self._scripts.client.delete(keys.SIGNAL)

    def restore(self) -> int:
        """Queue what is pending but nowhere queued; return how much that was. Nothing, unless a key was
        taken away by hand, or junk planted. It looks at a slice each time, so it is to be called again and
        again."""
        keys_ = (keys.QUEUE, keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.CLOCK)
        restored, self._restore_cursor = self._scripts.run(
            "restore", keys_, (self._restore_cursor, _RESTORED_AT_ONCE)
        )
        return int(restored)

    def has_work(self, settings: Settings) -> bool:
        """Whether anything is queued, or claimed by a worker that died, or due for a retry."""
        keys_ = (keys.QUEUE, keys.INFLIGHT, keys.RETRY, keys.CLOCK)
        return bool(
            self._scripts.run("has_work", keys_, (settings.lease_ms * 1000, _longest_retry_us(settings)))
        )

    def live_settings(self, own: Settings) -> Settings:
        """A process's own settings with what was changed live."""
        stored: list[bytes] = self._scripts.run("config", (keys.CONFIG,), ())
        return own.with_stored(dict(zip(stored[::2], stored[1::2], strict=True)))


def _longest_retry_us(settings: Settings) -> int:
    """A retry that is due later than this was not put there by a worker with these settings."""
    doubled = settings.retry_delay_ms * 2 ** min(settings.max_retries, _DOUBLED_AT_MOST)
    return int(doubled * 1000 * _JITTER_AT_MOST)
