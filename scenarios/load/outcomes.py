"""What becomes of each request: counted, timed, and, if it is a write, entered into the ledger."""

from collections.abc import Callable
from typing import Final

from scenarios.judge.ledger import Answer, Write, answer_without_product
from scenarios.load.connection import Exchange
from scenarios.load.counters import Counters
from scenarios.load.http import Reply, Stored, stored
from scenarios.load.latencies import Latencies
from scenarios.load.profiles import Call, Profile
from scenarios.load.schedule import Pace

#: How much of an answer that is not an acknowledgement is kept.
_DETAIL_BYTES: Final = 300
_NOT_FOUND: Final = 404


class Outcomes:
    """Times are s since the load began. Latency counts from when a request was due.

    Requests that succeeded are timed, and requests without an answer, which took at least as long as the
    client waited. Errors are only counted: quick ones would flatter the percentiles.
    """

    def __init__(
        self, profile: Profile, counters: Counters, latencies: Latencies, record: Callable[[Write], None]
    ) -> None:
        self._profile = profile
        self._counters = counters
        self._latencies = latencies
        self._record = record
        self._begun_at = 0.0

    def begin(self, at: float) -> None:
        """The load begins.

        Args:
            at: s of labctl's monotonic clock.
        """
        self._begun_at = at

    def answered(self, client: int, exchange: Exchange, reply: Reply, now: float) -> None:
        call, product = exchange.call, stored(reply.body) if reply.ok else None
        self._counters.requests += 1
        if product is not None:
            self._latencies.record(now - exchange.due)
        else:
            self._counters.errors += 1
        if call.operation is None:
            self._check_read(call, reply, product)
        elif product is not None:
            self._enter(exchange, now, "acknowledged", product)
            self._profile.acknowledged(client, call, product.id, product.version)
        else:
            text = reply.body[:_DETAIL_BYTES].decode(errors="replace")
            self._enter(exchange, now, answer_without_product(reply.status), detail=f"{reply.status}: {text}")
        if reply.status == _NOT_FOUND:
            self._profile.gone(client, call)

    def unanswered(self, exchange: Exchange, why: str, now: float) -> None:
        self._counters.requests += 1
        self._counters.errors += 1
        self._latencies.record(now - exchange.due)
        self._enter(exchange, now, "unknown", detail=why)

    def never_sent(self, pace: Pace, now: float) -> None:
        """Count the requests that were due but found no free connection. Each enters the histogram with the
        time that it has waited; leaving it out would hide the stall."""
        for due, count in pace.overdue(now):
            self._counters.unsent += count
            self._latencies.record(now - due, count)

    def _check_read(self, call: Call, reply: Reply, product: Stored | None) -> None:
        shown = product.version if product is not None else 0
        if (reply.ok or reply.status == _NOT_FOUND) and shown < call.at_least:
            self._counters.stale_reads += 1

    def _enter(
        self,
        exchange: Exchange,
        now: float,
        answer: Answer,
        product: Stored | None = None,
        *,
        detail: str = "",
    ) -> None:
        call = exchange.call
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
            detail=detail,
        )
        self._record(write)
