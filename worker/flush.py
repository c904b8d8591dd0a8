"""Flushing: claim → write the batch in one statement → acknowledge. Never pop first."""

import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec

from service.lasting import Conditions
from service.writebehind.buffer import Buffer
from service.writebehind.errors import OutcomeUnknown, StoreUnavailable, WriteBehindError
from service.writebehind.scripts.flushing import Claim, Claimed
from service.writebehind.settings import Settings
from service.writebehind.store import Store
from worker.claims import Claims
from worker.condition import Condition
from worker.disposal import Disposal
from worker.observer import FlushObserver, Unobserved
from worker.sorting import Refused, Sorting, SystemRefuses
from worker.stopping import StopRequest
from worker.traces import FlushTraces

_log = logging.getLogger(__name__)

#: After this time a job ends and signals the next, so that RQ sees that its worker is alive.
_JOB_S: Final = 10.0
#: Time between looks at the live settings, and at the queue while nothing is due.
_LOOK_S: Final = 0.1
#: Longest pause after a batch that is not full; a tenth of the window if that is less.
_GATHER_S: Final = 0.05
#: Pauses between attempts grow from the first to the last: to reach PostgreSQL (outage), or to write what it
#: refuses.
_FIRST_PAUSE_S, _LAST_OUTAGE_S, _LAST_REFUSAL_S = 0.05, 1.0, 3.0
#: How long a batch waits for a lock once it met one: a statement that waits gets it as soon as it is free.
_PATIENT_LOCK_MS: Final = 5_000
#: Bounds of a batch that grows: its rows, and how often it is doubled.
_LARGEST_BATCH, _MOST_GROWTH = 5_000, 10
_LOCK_NOT_AVAILABLE: Final = "55P03"


class Flusher:
    """Moves pending entries into PostgreSQL.

    Raises `CacheUnavailable` and `OutcomeUnknown` when Redis fails: claims that were not acknowledged come
    back when their lease ends.
    """

    def __init__(
        self,
        buffer: Buffer,
        store: Store,
        settings: Settings,
        stop: StopRequest,
        *,
        signal_flush: Callable[[], None],
        chance: random.Random,
        condition: Condition,
        conditions: Conditions,
        traces: FlushTraces,
        observer: FlushObserver | None = None,
    ) -> None:
        self._traces = traces
        self._observer = observer or Unobserved()
        self._buffer = buffer
        self._claims = Claims(buffer)
        self._store = store
        self._settings = settings
        self._stop = stop
        self._signal_flush = signal_flush
        self._chance = chance
        self._condition = condition
        self._conditions = conditions
        self._live, self._looked_at = settings, float("-inf")
        self._pause = _FIRST_PAUSE_S
        #: Batches grow with each one that is refused whole, so that rows behind it can prove it at fault.
        self._growth = 0
        #: How long to wait for a lock; None for the usual time.
        self._lock_ms: int | None = None
        #: Whether a job runs: then the watch need not signal another.
        self.busy = False

    def attempt(self, job_id: str | None = None) -> int:
        """Run one flush job like `run`, but only log it if Redis fails."""
        try:
            rows = self.run(job_id)
        except WriteBehindError as error:
            self._conditions.met("redis", f"a flush ended early: {error}")
            return 0
        self._conditions.over("redis", "flushes complete again")
        return rows

    def run(self, job_id: str | None = None) -> int:
        """Run one flush job: drain until nothing is queued; return how many rows were handled.

        It ends early after some seconds, and signals its successor. On a request to stop, it finishes the
        current batch and ends.

        Args:
            job_id: RQ's id of the job; None if RQ did not start it.
        """
        self.busy = True
        try:
            with self._traces.job(job_id):
                rows = self._drain()
                self._claims.give_back()
        except WriteBehindError:
            self._claims.forget()
            raise
        finally:
            self.busy = False
        return rows

    def close(self) -> None:
        """End the thread beside the jobs."""
        self._claims.close()

    def _drain(self) -> int:
        self._buffer.flush_started()
        ends = time.monotonic() + _JOB_S
        rows = 0
        while not self._stop.requested:
            settings = self._live_settings()
            claim = self._claims.next(settings)
            if claim.rows:
                with self._traces.flush(claim):
                    self._flush(claim, settings)
                rows += len(claim.rows)
                if len(claim.rows) < settings.batch_size:
                    # Let rows gather: many small statements cost far more than a few large ones.
                    self._stop.pause(min(_GATHER_S, settings.flush_delay_ms / 1000 / 10))
            elif claim.wait is None:
                self._condition.become("idle")
                return rows
            else:
                self._condition.rest()
                self._stop.pause(min(claim.wait, _LOOK_S))
            if time.monotonic() > ends:
                self._signal_flush()
                return rows
        return rows

    def _live_settings(self) -> Settings:
        if time.monotonic() - self._looked_at >= _LOOK_S:
            self._live, self._looked_at = self._buffer.live_settings(self._settings), time.monotonic()
        grown = min(_LARGEST_BATCH, self._live.batch_size << self._growth)
        return msgspec.structs.replace(self._live, batch_size=max(grown, self._live.batch_size))

    def _flush(self, claim: Claim, settings: Settings) -> None:
        began = time.monotonic()
        try:
            self._try(claim, settings)
        finally:
            self._observer.flushed(claim, time.monotonic() - began)

    def _try(self, claim: Claim, settings: Settings) -> None:
        unlucky = self._choose_failures(claim.rows, settings)
        try:
            refused = self._write(claim, [row for row in claim.rows if row not in unlucky])
        except (StoreUnavailable, OutcomeUnknown, SystemRefuses) as error:
            # An outage does not count as a failed attempt. Rows that were acknowledged stay so: only
            # those that this claim still holds are given back.
            self._claims.give_back(claim)
            self._traces.held(error)
            self._hold(error)
            return
        disposal = Disposal(settings, self._chance)
        disposal.refused(refused)
        disposal.unlucky(unlucky)
        self._dispose(claim, disposal)

    def _write(self, claim: Claim, rows: Sequence[Claimed]) -> list[Refused]:
        """Write and acknowledge rows. A batch that PostgreSQL refuses is split down to the bad rows, which
        are returned."""

        def passed(part: Sequence[Claimed], changed: int) -> None:
            self._observer.committed(claim, part)
            self._go_on()
            self._traces.persisted(part)
            self._claims.ack(claim, part, rows_written=changed)
            _log.info("flushed %s, %s changed", _count(len(part), "entry"), _count(changed, "row"))

        sorting = Sorting(self._store, self._condition, self._stop, chance=self._chance, passed=passed)
        return sorting.write(rows, lock_ms=self._lock_ms)

    def _dispose(self, claim: Claim, disposal: Disposal) -> None:
        """Dead-letter rows that will never succeed; let the others wait for their next attempt."""
        self._traces.disposed(disposal)
        if letters := disposal.letters:
            self._buffer.dead_letter(claim, letters)
            self._conditions.met(
                "dead letters",
                f"dead-lettered {_count(len(letters), 'entry')}: {disposal.reason}",
                len(letters),
            )
        if again := disposal.again:
            self._buffer.retry(claim, again)
            self._conditions.met(
                "retries",
                f"attempt {', '.join(sorted({str(attempts) for _, attempts, _ in again}))} failed for "
                f"{_count(len(again), 'entry')}; the next follows in "
                f"{1000 * min(wait for _, _, wait in again):.0f} ms or later",
                len(again),
            )

    def _choose_failures(self, rows: Sequence[Claimed], settings: Settings) -> Collection[Claimed]:
        """The rows that SIMULATE_DB_FAILURE makes fail this time."""
        if not settings.simulate_db_failure:
            return ()
        return {row for row in rows if self._chance.random() < settings.failure_rate}

    def _go_on(self) -> None:
        """Something was written: nothing blocks flushing any more."""
        self._pause, self._growth, self._lock_ms = _FIRST_PAUSE_S, 0, None
        self._condition.become("flushing")
        self._conditions.over("paused", "flushing goes on")

    def _hold(self, error: StoreUnavailable | OutcomeUnknown | SystemRefuses) -> None:
        """Nothing can be written: publish that, and wait before the next attempt."""
        if self._stop.requested:
            return
        code = error.sqlstate if isinstance(error, SystemRefuses) else "unavailable"
        last = _LAST_REFUSAL_S if isinstance(error, SystemRefuses) else _LAST_OUTAGE_S
        self._growth = min(self._growth + 1, _MOST_GROWTH) if isinstance(error, SystemRefuses) else 0
        if code == _LOCK_NOT_AVAILABLE:
            self._lock_ms, last = _PATIENT_LOCK_MS, _FIRST_PAUSE_S
            self._condition.blocked(str(error))
        else:
            self._lock_ms = None
            self._condition.become("paused", str(error), code)
        logged = error.in_logs if isinstance(error, SystemRefuses) else str(error)
        self._conditions.met("paused", f"flushing is paused: {logged}")
        self._pause = min(self._pause, last)
        self._stop.pause(self._pause * self._chance.uniform(0.5, 1.0))
        self._pause = min(2 * self._pause, last)


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
