"""A worker's side: it claims pending entries under a lease and says what became of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from service.writebehind.scripts.script import Runner

#: What the scripts that end a claim begin with.
_ENDING: Final = (keys.PENDING, keys.INFLIGHT, keys.QUEUE, keys.BACKLOG, keys.TOTALS)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One claimed row."""

    id: str
    version: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows that belong to this worker until the lease ends."""

    #: Identifies the lease; µs of lab time.
    token: int
    rows: tuple[Claimed, ...]
    #: Without rows: s until something will be due, None if nothing is queued.
    wait: float | None
    #: When the worker asked for it and when it was granted, in ns since 1970; 0 if that is not measured.
    asked_ns: int = 0
    granted_ns: int = 0


def claim(scripts: Runner, *, limit: int, delay_us: int, lease_us: int, longest_retry_us: int) -> Claim:
    """Claim what is due, oldest first write first.

    Args:
        limit: Rows at most.
        delay_us: How long a first write waits before it is due.
        lease_us: How long the rows belong to this worker.
        longest_retry_us: A retry that is due later than this from now was not put there by a worker.
    """
    token, wait, ids, versions, entries = scripts.run(
        "claim",
        (
            keys.QUEUE, keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.CLOCK,
            keys.FLUSH_NOW, keys.TOTALS,
        ),
        (limit, delay_us, lease_us, longest_retry_us),
    )  # fmt: skip
    rows = tuple(
        # An id that is not UTF-8 is not one of ours, but it must be acknowledged under its own name.
        Claimed(i.decode(errors="surrogateescape"), int(v), e)
        for i, v, e in zip(ids, versions, entries, strict=True)
    )
    return Claim(int(token), rows, None if wait < 0 else wait / 1e6)


def ack(scripts: Runner, claim: Claim, *, rows_written: int) -> int | None:
    """All rows of the claim are in PostgreSQL: forget them at once.

    Returns:
        How many versions this retired; None, and nothing was done, if it must be done row by row
        (`ack_rows`).
    """
    ids = [row.id for row in claim.rows]
    retired = int(scripts.run("ack", _ENDING, (claim.token, rows_written, *ids)))
    return None if retired < 0 else retired


def ack_rows(scripts: Runner, claim: Claim, rows: Sequence[Claimed], *, rows_written: int) -> int:
    """These rows of the claim are in PostgreSQL: forget these versions; return how many this retired."""
    return int(scripts.run("ack_rows", _ENDING, (claim.token, rows_written, *_versions(rows))))


def release(scripts: Runner, claim: Claim, rows: Sequence[Claimed]) -> None:
    """Give these rows of the claim back untried."""
    scripts.run("release", _ENDING, (claim.token, *_versions(rows)))


def retry(scripts: Runner, claim: Claim, rows: Sequence[tuple[Claimed, int, float]]) -> int:
    """Let these rows of the claim wait: (row, attempts so far, s until the next). Return how many do: others
    were replaced by something newer."""
    args: Iterator[Any] = chain.from_iterable(
        (row.id, row.version, attempts, int(wait * 1e6)) for row, attempts, wait in rows
    )
    return int(scripts.run("retry", (*_ENDING, keys.RETRY, keys.CLOCK), (claim.token, *args)))


def dead_letter(scripts: Runner, claim: Claim, letters: Sequence[DeadLetter]) -> int:
    """Give these rows of the claim up; return how many became dead letters."""
    args: Iterator[Any] = chain.from_iterable(
        (letter.id, letter.version, letter.encode()) for letter in letters
    )
    caches = chain.from_iterable((keys.cache(letter.id), keys.fill(letter.id)) for letter in letters)
    return int(scripts.run("dead_letter", (*_ENDING, keys.DLQ, *caches), (claim.token, *args)))


def flush_now(scripts: Runner) -> None:
    """Make everything due that was written up to now."""
    scripts.run("flush_now", (keys.FLUSH_NOW, keys.CLOCK), ())


def has_work(scripts: Runner, *, lease_us: int, longest_retry_us: int) -> bool:
    """Whether anything is queued, or claimed under a lease that has ended, or due for a retry."""
    return bool(
        scripts.run(
            "has_work", (keys.QUEUE, keys.INFLIGHT, keys.RETRY, keys.CLOCK), (lease_us, longest_retry_us)
        )
    )


def restore(scripts: Runner, *, cursor: bytes, limit: int) -> tuple[int, bytes]:
    """Queue pending products that are neither queued nor claimed nor waiting for a retry.

    Args:
        cursor: Where an earlier look stopped; b"0" to begin.
        limit: Products to look at, roughly.

    Returns:
        How many were queued, and where to go on; b"0" when the look is finished.
    """
    restored, cursor = scripts.run(
        "restore",
        (keys.QUEUE, keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.CLOCK),
        (cursor, limit),
    )
    return int(restored), cursor


def _versions(rows: Sequence[Claimed]) -> Iterator[Any]:
    return chain.from_iterable((row.id, row.version) for row in rows)
