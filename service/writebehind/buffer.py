"""The worker's side of the buffer between the service and PostgreSQL: pending entries in Redis, claimed under
a lease."""

from collections.abc import Sequence
from typing import Final

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from service.writebehind.scripts import flushing, observing
from service.writebehind.scripts.flushing import Claim, Claimed
from service.writebehind.scripts.runner import Scripts, map_redis_errors
from service.writebehind.settings import Settings

#: Pending entries that one look for orphans goes through; Redis takes about 1 ms per thousand.
_RESTORED_AT_ONCE: Final = 10_000
#: Bounds of a retry's wait: its doublings, so that it stays a number, and its jitter (see the worker).
_DOUBLED_AT_MOST: Final = 20
_JITTER_AT_MOST: Final = 2


class Buffer:
    """Claims entries, and ends claims. Raises `CacheUnavailable` and `OutcomeUnknown`."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._restore_cursor = b"0"

    def claim(self, settings: Settings) -> Claim:
        """Claim what is due, at most one batch."""
        return flushing.claim(
            self._scripts,
            limit=settings.batch_size,
            delay_us=settings.flush_delay_ms * 1000,
            lease_us=settings.lease_ms * 1000,
            longest_retry_us=_longest_retry_us(settings),
        )

    def ack(self, claim: Claim, rows: Sequence[Claimed], *, rows_written: int) -> int:
        """These rows of the claim are in PostgreSQL; `rows_written` is how many of them SQL changed.

        Returns:
            How many versions this retired.
        """
        if len(rows) == len(claim.rows):
            retired = flushing.ack(self._scripts, claim, rows_written=rows_written)
            if retired is not None:
                return retired
        return flushing.ack_rows(self._scripts, claim, rows, rows_written=rows_written)

    def release(self, claim: Claim, rows: Sequence[Claimed]) -> None:
        """Give these rows back untried."""
        flushing.release(self._scripts, claim, rows)

    def retry(self, claim: Claim, rows: Sequence[tuple[Claimed, int, float]]) -> int:
        """Let these rows wait: (row, attempts so far, s until the next). Return how many do."""
        return flushing.retry(self._scripts, claim, rows)

    def dead_letter(self, claim: Claim, letters: Sequence[DeadLetter]) -> int:
        """Give these rows up; return how many became dead letters."""
        return flushing.dead_letter(self._scripts, claim, letters)

    def heartbeat(self, name: str, document: bytes) -> None:
        """Publish how the worker of this name is: a JSON object, to which the script adds `at`.

        Unless this is repeated within `keys.WORKER_LIFE_US`, the worker counts as gone.
        """
        observing.heartbeat(self._scripts, name, document)

    def farewell(self, name: str) -> None:
        """The worker of this name has ended as it was asked to."""
        with map_redis_errors():
            self._scripts.client.hdel(keys.WORKERS, name)

    def flush_now(self) -> None:
        """Make everything that is pending due."""
        flushing.flush_now(self._scripts)

    def flush_started(self) -> None:
        """A flush job runs: the next write that finds the queue empty signals another."""
        with map_redis_errors():
            self._scripts.client.delete(keys.SIGNAL)

    def restore(self) -> int:
        """Queue entries that are pending but queued nowhere, and return how many there were.

        There are none, unless someone deleted a key or planted junk. Each call looks at one slice only, so
        call it again and again.
        """
        restored, self._restore_cursor = flushing.restore(
            self._scripts, cursor=self._restore_cursor, limit=_RESTORED_AT_ONCE
        )
        return restored

    def has_work(self, settings: Settings) -> bool:
        """Whether anything is queued, or claimed by a worker that died, or due for a retry."""
        return flushing.has_work(
            self._scripts, lease_us=settings.lease_ms * 1000, longest_retry_us=_longest_retry_us(settings)
        )

    def live_settings(self, own: Settings) -> Settings:
        """A process's own settings, overridden by those that were changed live."""
        return own.with_stored(observing.live_settings(self._scripts))


def _longest_retry_us(settings: Settings) -> int:
    """A retry that is due later than this was not put there by a worker with these settings."""
    doubled = settings.retry_delay_ms * 2 ** min(settings.max_retries, _DOUBLED_AT_MOST)
    return int(doubled * 1000 * _JITTER_AT_MOST)
