"""Flushes as spans. A flush is traced if one of its entries is; if not, it costs a look at each entry's end.

A flush belongs to no write's trace, since it persists many. So it begins a trace of its own, whose root is
RQ's job, and links to every traced write that it persists.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from service.telemetry.tracing import Recording, Tracing, recording, within
from service.traces.spans import PRODUCT, TRACEPARENT, VERSION
from service.writebehind import keys
from service.writebehind.entry import trace_of
from service.writebehind.scripts.flushing import Claim, Claimed
from worker.disposal import Disposal

_JOB: Final = {
    "messaging.system": "rq",
    "messaging.operation.type": "process",
    "messaging.operation.name": "flush",
    "messaging.destination.name": keys.RQ_QUEUE,
}


class FlushTraces:
    """The spans of one worker, whose jobs follow one another."""

    def __init__(self, tracing: Tracing, worker: str) -> None:
        """
        Args:
            worker: The worker's name.
        """
        self._tracing = tracing
        self._worker = worker
        self._job_id: str | None = None
        self._job_began_ns = 0
        #: The span of the job, once one of its flushes is traced.
        self._job: Recording | None = None
        self._traced: dict[Claimed, str] = {}

    @contextmanager
    def job(self, job_id: str | None) -> Iterator[None]:
        """A job runs; None if it was not RQ that started it."""
        self._job_id, self._job_began_ns = job_id, time.time_ns()
        try:
            yield
        finally:
            job, self._job = self._job, None
            if job:
                job.end()

    @contextmanager
    def flush(self, claim: Claim) -> Iterator[None]:
        """This claim is flushed."""
        self._traced = {row: trace for row in claim.rows if (trace := trace_of(row.entry))}
        flush = self._begin(claim) if self._traced else None
        if flush is None:
            yield
            return
        asked = {"lab.claim.token": claim.token}
        flush.child("claim", "internal", asked, began_ns=claim.asked_ns).end(claim.granted_ns)
        with within(flush):
            yield

    def persisted(self, rows: Iterable[Claimed]) -> None:
        """These rows are in PostgreSQL."""
        flush, now = recording(), time.time_ns()
        if flush is None:
            return
        for row in rows:
            if trace := self._traced.get(row):
                _link(flush, trace, {**_names(row), "lab.write.committed_us": now // 1000})

    def disposed(self, disposal: Disposal) -> None:
        """These rows wait for another attempt, or are given up."""
        flush = recording()
        if flush is None:
            return
        attempts = {(row.id, row.version): ("retry", attempts) for row, attempts, _ in disposal.again}
        attempts |= {(each.id, each.version): ("dead_letter", each.attempts) for each in disposal.letters}
        for row, trace in self._traced.items():
            if failed := attempts.get((row.id, row.version)):
                event, attempt = failed
                kind, why = disposal.reasons[row]
                described = _names(row) | {TRACEPARENT: trace, "lab.attempt": attempt, "error.type": kind}
                flush.span.add_event(event, described | {"exception.message": why}, time.time_ns())

    def held(self, error: Exception) -> None:
        """Nothing of the flush can be written now."""
        flush = recording()
        if flush:
            flush.failed(type(error).__name__, str(error))

    def _begin(self, claim: Claim) -> Recording | None:
        attributes = {"lab.worker.name": self._worker, "lab.flush.rows": len(claim.rows)}
        if self._job_id is None:
            return self._tracing.begin("flush", "consumer", attributes, began_ns=claim.asked_ns)
        if self._job is None:
            described = {**_JOB, "messaging.message.id": self._job_id, "lab.worker.name": self._worker}
            began_ns = min(self._job_began_ns, claim.asked_ns)
            self._job = self._tracing.begin("rq.job flush", "consumer", described, began_ns=began_ns)
        return self._job and self._job.child("flush", "internal", attributes, began_ns=claim.asked_ns)


def _names(row: Claimed) -> dict[str, Any]:
    return {PRODUCT: row.id, VERSION: row.version}


def _link(flush: Recording, traceparent: str, attributes: dict[str, Any]) -> None:
    from opentelemetry.trace import SpanContext, TraceFlags

    _, trace_id, span_id, _ = traceparent.split("-")
    context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(1))
    flush.span.add_link(context, attributes)
