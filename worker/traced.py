"""Redis and PostgreSQL as parts of a flush's trace, measured as well or not."""

import dataclasses
import time
from collections.abc import Sequence

from service.telemetry.traced import TracedStore
from service.telemetry.tracing import recording, within
from service.writebehind.buffer import Buffer
from service.writebehind.scripts.flushing import Claim, Claimed
from service.writebehind.settings import Settings
from worker.measured import MeasuredBuffer, MeasuredStore


class TracedBuffer(Buffer):
    """`Buffer` that notes when a claim was asked for and granted, and makes a span of an acknowledgement."""

    def claim(self, settings: Settings) -> Claim:
        asked_ns = time.time_ns()
        claim = super().claim(settings)
        return dataclasses.replace(claim, asked_ns=asked_ns, granted_ns=time.time_ns())

    def ack(self, claim: Claim, rows: Sequence[Claimed], *, rows_written: int) -> int:
        flush = recording()
        if flush is None:
            return super().ack(claim, rows, rows_written=rows_written)
        described = {"lab.claim.token": claim.token, "lab.flush.rows": len(rows)}
        with within(flush.child("ack", "internal", described)):
            return super().ack(claim, rows, rows_written=rows_written)


class TracedMeasuredBuffer(TracedBuffer, MeasuredBuffer):
    """Both."""


class TracedMeasuredStore(TracedStore, MeasuredStore):
    """Both."""
