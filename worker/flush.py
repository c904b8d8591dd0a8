"""Flushing: claim → write the batch in one statement → acknowledge. Never pop first."""

import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

from service.writebehind.buffer import Buffer, Claim, Claimed
from service.writebehind.entry import DeadLetter, attempts_of
from service.writebehind.errors import OutcomeUnknown, RowsRefused, StoreUnavailable, WriteBehindError
from service.writebehind.settings import Settings
from service.writebehind.store import Store
from worker.claims import Claims
from worker.stopping import StopRequest

_log = logging.getLogger(__name__)

#: s; a job ends by then and signals the next, so that RQ sees its worker alive.
_JOB_SECONDS: Final = 10.0
#: s between looks at the live settings, and at the queue while nothing is due.
_LOOK_SECONDS: Final = 0.1
#: s between two batches that are not full, at most; a tenth of the window, if that is less.
_GATHER_SECONDS: Final = 0.05
#: s; waits between attempts to reach PostgreSQL grow from the first to the second.
_OUTAGE_FIRST, _OUTAGE_LAST = 0.05, 1.0


class Flusher:
    """Moves pending entries into PostgreSQL. Raises `CacheUnavailable` and `OutcomeUnknown` when Redis
    goes: claims that were not acknowledged come back when their lease ends."""

    def __init__(
        self,
        buffer: Buffer,
        store: Store,
        settings: Settings,
        stop: StopRequest,
        *,
        signal_flush: Callable[[], None],
        chance: random.Random,
    ) -> None:
        self._buffer = buffer
        self._claims = Claims(buffer)
        self._store = store
        self._settings = settings
        self._stop = stop
        self._signal_flush = signal_flush
        self._chance = chance
        #: Whether a job runs: a look from outside need not signal another then.
        self.busy = False

    def run(self) -> int:
        """One flush job: drain until nothing is queued; return how many rows it took care of.

        It ends early, and signals its successor, after some seconds; on a request to stop it finishes
        the batch in hand and ends.
        """
        self.busy = True
        try:
            rows = self._drain()
            self._claims.give_back()
        except WriteBehindError:
            self._claims.forget()
            raise
        finally:
            self.busy = False
        return rows

    def close(self) -> None:
        """End what runs beside the jobs."""
        self._claims.close()

    def _drain(self) -> int:
        self._buffer.flush_started()
        ends = time.monotonic() + _JOB_SECONDS
        rows = 0
        settings, looked_at = self._settings, -_LOOK_SECONDS
        while not self._stop.requested:
            if time.monotonic() - looked_at >= _LOOK_SECONDS:
                settings, looked_at = self._buffer.live_settings(self._settings), time.monotonic()
            claim = self._claims.next(settings)
            if claim.rows:
                self._flush(claim, settings)
                rows += len(claim.rows)
                if len(claim.rows) < settings.batch_size:
                    # Let rows gather: statements of a few rows each would cost far more in all.
                    self._stop.pause(min(_GATHER_SECONDS, settings.flush_delay_ms / 1000 / 10))
            elif claim.wait is None:
                return rows
            else:
                self._stop.pause(min(claim.wait, _LOOK_SECONDS))
            if time.monotonic() > ends:
                self._signal_flush()
                return rows
        return rows

    def _flush(self, claim: Claim, settings: Settings) -> None:
        unlucky = self._choose_failures(claim.rows, settings)
        try:
            refused = self._write(claim, [row for row in claim.rows if row not in unlucky])
        except (StoreUnavailable, OutcomeUnknown) as error:
            # An outage is nobody's failed attempt. What was acknowledged already stays so: only
            # what this claim still holds is given back.
            self._claims.give_back(claim)
            self._wait_out(error)
            return
        self._dispose(claim, refused, unlucky, settings)

    def _write(self, claim: Claim, rows: Sequence[Claimed]) -> list[tuple[Claimed, str]]:
        """Write rows and acknowledge them. A batch that PostgreSQL refuses is split down to the bad rows;
        these are returned, each with the reason."""
        if not rows:
            return []
        try:
            written = self._store.write([row.entry for row in rows])
        except RowsRefused as error:
            if len(rows) == 1:
                return [(rows[0], str(error))]
            middle = len(rows) // 2
            return self._write(claim, rows[:middle]) + self._write(claim, rows[middle:])
        self._claims.ack(claim, rows, rows_written=written)
        _log.info("flushed %d entries, %d rows changed", len(rows), written)
        return []

    def _dispose(
        self,
        claim: Claim,
        refused: Sequence[tuple[Claimed, str]],
        unlucky: Collection[Claimed],
        settings: Settings,
    ) -> None:
        """Dead-letter what will never succeed; let the rest wait for its next attempt."""
        letters = [_letter(row, f"PostgreSQL refuses the row: {why}") for row, why in refused]
        again: list[tuple[Claimed, int, float]] = []
        for row in unlucky:
            attempts = attempts_of(row.entry) + 1
            if attempts > settings.max_retries:
                letters.append(_letter(row, "simulated database failure, and no retries left"))
            else:
                again.append((row, attempts, self._backoff(attempts, settings)))
        if letters:
            self._buffer.dead_letter(claim, letters)
            _log.warning("dead-lettered %d entries: %s", len(letters), letters[0].error)
        if again:
            self._buffer.retry(claim, again)
            _log.warning(
                "attempt %s failed for %d entries; the next follows in %.0f ms or later",
                ", ".join(sorted({str(attempts) for _, attempts, _ in again})),
                len(again),
                1000 * min(wait for _, _, wait in again),
            )

    def _choose_failures(self, rows: Sequence[Claimed], settings: Settings) -> Collection[Claimed]:
        """The rows that SIMULATE_DB_FAILURE lets fail this time."""
        if not settings.simulate_db_failure:
            return ()
        return {row for row in rows if self._chance.random() < settings.failure_rate}

    def _backoff(self, attempts: int, settings: Settings) -> float:
        """s until the next attempt: doubled each time, and spread so that retries do not come in herds."""
        doubled: float = 2.0 ** (attempts - 1)
        return settings.retry_delay_ms / 1000 * doubled * self._chance.uniform(0.5, 1.5)

    def _wait_out(self, error: Exception) -> None:
        """Pause until PostgreSQL works again, or a stop is requested."""
        _log.warning("flushing is paused: %s", error)
        wait = _OUTAGE_FIRST
        while not self._stop.pause(wait * self._chance.uniform(0.5, 1.0)):
            try:
                self._store.ping()
            except (StoreUnavailable, OutcomeUnknown):
                wait = min(2 * wait, _OUTAGE_LAST)
            else:
                _log.info("flushing goes on")
                return


def _letter(row: Claimed, error: str) -> DeadLetter:
    return DeadLetter.of(row.id, row.version, row.entry, error=error, attempts=attempts_of(row.entry) + 1)
