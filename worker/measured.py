"""Redis and PostgreSQL as a worker uses them, measured on the way."""

import time
from collections.abc import Sequence

from service.writebehind.buffer import Buffer
from service.writebehind.connections import Manners
from service.writebehind.entry import DeadLetter
from service.writebehind.scripts.flushing import Claim, Claimed
from service.writebehind.scripts.runner import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store
from worker.metrics import WorkerMetrics


class MeasuredBuffer(Buffer):
    """Counts what becomes of entries, and measures claims and acknowledgements that succeed."""

    def __init__(self, scripts: Scripts, metrics: WorkerMetrics) -> None:
        super().__init__(scripts)
        self._metrics = metrics

    def claim(self, settings: Settings) -> Claim:
        began = time.monotonic()
        claim = super().claim(settings)
        self._metrics.claimed(claim, time.monotonic() - began)
        return claim

    def ack(self, claim: Claim, rows: Sequence[Claimed], *, rows_written: int) -> int:
        began = time.monotonic()
        retired = super().ack(claim, rows, rows_written=rows_written)
        self._metrics.acknowledged(retired, rows_written, time.monotonic() - began)
        return retired

    def release(self, claim: Claim, rows: Sequence[Claimed]) -> None:
        super().release(claim, rows)
        self._metrics.count("released", len(rows))

    def retry(self, claim: Claim, rows: Sequence[tuple[Claimed, int, float]]) -> int:
        retried = super().retry(claim, rows)
        self._metrics.count("retried", retried)
        return retried

    def dead_letter(self, claim: Claim, letters: Sequence[DeadLetter]) -> int:
        given_up = super().dead_letter(claim, letters)
        self._metrics.count("dead_lettered", given_up)
        return given_up


class MeasuredStore(Store):
    """Measures the statements that write entries, whether or not they succeed."""

    def __init__(
        self, database_url: str, manners: Manners, metrics: WorkerMetrics, *, stop_fd: int | None = None
    ) -> None:
        super().__init__(database_url, manners, stop_fd=stop_fd)
        self._metrics = metrics

    def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
        began = time.monotonic()
        try:
            return super().write(entries, lock_ms=lock_ms)
        finally:
            self._metrics.wrote(time.monotonic() - began)
