"""What becomes of each request: counted, timed, and, if it is a write, entered into the ledger."""

from collections.abc import Callable
from typing import Final

from scenarios.judge.ledger import Answer, Write, answer_without_product
from scenarios.load.connection import Exchange
from scenarios.load.counters import Counters
from scenarios.load.http import Reply, Stored, stored
from scenarios.load.latencies import KINDS, Kind, Latencies
from scenarios.load.phases import Phase, Phases
from scenarios.load.profiles import Profile
from scenarios.load.sampled_traces import SampledTraces
from scenarios.load.schedule import Pace

#: How much of an answer that is not an acknowledgement is kept.
_DETAIL_BYTES: Final = 300
_NOT_FOUND: Final = 404


def count(
    counters: Counters,
    latencies: Latencies,
    kind: Kind,
    phase: Phase,
    seconds: float,
    status: int,
    version: int | None,
    at_least: int,
) -> None:
    """Count a request, and time it unless it was answered with an error.

    Requests without an answer took at least as long as the client waited. Errors are not timed: quick ones
    would flatter the percentiles.

    Args:
        status: 0: there was no answer.
        version: None if the answer holds no product.
        at_least: The version that a read must show at least; 0: any.
    """
    failed = version is None
    counters.requests += 1
    counters.errors += failed
    if kind == "read":
        counters.reads += 1
        counters.read_errors += failed
        tells = 200 <= status < 300 or status == _NOT_FOUND
        if tells and (version or 0) < at_least:
            counters.stale_reads += 1
    if not failed or not status:
        latencies.record(kind, phase, seconds)


class Outcomes:
    """Times are s since the load began. Latency counts from when a request was due."""

    def __init__(
        self,
        profile: Profile,
        counters: Counters,
        latencies: Latencies,
        phases: Phases,
        record: Callable[[Write], None],
        traces: SampledTraces,
    ) -> None:
        self._profile = profile
        self._counters = counters
        self._latencies = latencies
        self._phases = phases
        self._record = record
        self._traces = traces
        self._begun_at = 0.0

    def begin(self, at: float) -> None:
        """The load begins.

        Args:
            at: s of labctl's monotonic clock.
        """
        self._begun_at = at

    def answered(self, client: int, exchange: Exchange, reply: Reply, now: float) -> None:
        call, product = exchange.call, stored(reply.body) if reply.ok else None
        phase = self._phases.of(exchange.due)
        self._count(exchange, phase, now, reply.status, None if product is None else product.version)
        if product is not None and phase == "outage":
            self._phases.succeeded(exchange.due, exchange.sent, now)
        if call.operation is not None and product is not None:
            self._enter(exchange, now, "acknowledged", phase, product, status=reply.status)
            self._profile.acknowledged(client, call, product.id, product.version)
        elif call.operation is not None:
            text = reply.body[:_DETAIL_BYTES].decode(errors="replace")
            answer = answer_without_product(reply.status)
            self._enter(exchange, now, answer, phase, status=reply.status, detail=f"{reply.status}: {text}")
        if reply.status == _NOT_FOUND:
            self._profile.gone(client, call)

    def unanswered(self, exchange: Exchange, why: str, now: float) -> None:
        phase = self._phases.of(exchange.due)
        self._count(exchange, phase, now, 0, None)
        self._enter(exchange, now, "unknown", phase, detail=why)

    def never_sent(self, pace: Pace, now: float) -> None:
        """Count the requests that were due but found no free connection. Each enters the histogram with the
        time that it has waited; leaving it out would hide the stall. Which of them would have been reads is
        known only by their share."""
        for due, count in pace.overdue(now):
            phase, before = self._phases.of(due), round(self._counters.unsent * self._profile.writes)
            self._counters.unsent += count
            writes = round(self._counters.unsent * self._profile.writes) - before
            for kind, of_kind in zip(KINDS, (writes, count - writes), strict=True):
                if of_kind:
                    self._latencies.record(kind, phase, now - due, of_kind)

    def _count(self, exchange: Exchange, phase: Phase, now: float, status: int, version: int | None) -> None:
        call = exchange.call
        kind: Kind = "read" if call.operation is None else "write"
        seconds = now - exchange.due
        count(self._counters, self._latencies, kind, phase, seconds, status, version, call.at_least)

    def _enter(
        self,
        exchange: Exchange,
        now: float,
        answer: Answer,
        phase: Phase,
        product: Stored | None = None,
        *,
        status: int = 0,
        detail: str = "",
    ) -> None:
        call, trace = exchange.call, exchange.trace
        if call.operation is None:
            return
        write = Write(
            product=call.product if product is None else product.id,
            operation=call.operation,
            value=call.value,
            answer=answer,
            version=None if product is None else product.version,
            sent_at=self._begun_at + exchange.sent,
            finished_at=self._begun_at + now,
            latency_ms=1000 * (now - exchange.sent),
            due_at=self._begun_at + exchange.due if exchange.due < exchange.sent else None,
            group=phase,
            detail=detail,
            trace="" if trace is None else trace.trace_id,
        )
        self._record(write)
        if trace is not None:
            self._traces.end(trace, write, status)
