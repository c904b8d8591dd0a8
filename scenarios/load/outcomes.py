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

#: What the server said is kept up to this many characters.
_DETAIL: Final = 300
_NOT_FOUND: Final = 404


class Outcomes:
    """Times are s since the load began. Latency counts from when a request was due.

    Timed are the requests that succeeded and those that found no answer, which took at least as long as
    was waited. Errors are counted only: quick ones would flatter the percentiles.
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
        """The load begins: from here on, times are counted.

        Args:
            at: s of labctl's monotonic clock.
        """
        self._begun_at = at

    def answered(self, client: int, exchange: Exchange, reply: Reply, now: float) -> None:
        call, found = exchange.call, stored(reply.body) if reply.ok else None
        self._counters.requests += 1
        if found is not None:
            self._latencies.record(now - exchange.due)
        else:
            self._counters.errors += 1
        if call.operation is None:
            self._check_read(call, reply, found)
        elif found is not None:
            self._enter(exchange, now, "acknowledged", found)
            self._profile.acknowledged(client, call, found.id, found.version)
        else:
            said = reply.body[:_DETAIL].decode(errors="replace")
            self._enter(exchange, now, answer_without_product(reply.status), detail=f"{reply.status}: {said}")
        if reply.status == _NOT_FOUND:
            self._profile.gone(client, call)

    def unanswered(self, exchange: Exchange, why: str, now: float) -> None:
        self._counters.requests += 1
        self._counters.errors += 1
        self._latencies.record(now - exchange.due)
        self._enter(exchange, now, "unknown", detail=why)

    def never_sent(self, pace: Pace, now: float) -> None:
        """Count what was due and found no free connection. Leaving it out of the histogram would hide the
        stall that it waited through; it counts with the time that it had waited by now."""
        for due, count in pace.overdue(now):
            self._counters.unsent += count
            self._latencies.record(now - due, count)

    def _check_read(self, call: Call, reply: Reply, found: Stored | None) -> None:
        shown = found.version if found is not None else 0
        if (reply.ok or reply.status == _NOT_FOUND) and shown < call.at_least:
            self._counters.stale_reads += 1

    def _enter(
        self, exchange: Exchange, now: float, answer: Answer, found: Stored | None = None, *, detail: str = ""
    ) -> None:
        call = exchange.call
        if call.operation is None:
            return
        write = Write(
            product=call.product if found is None else found.id,
            operation=call.operation,
            value=call.value,
            answer=answer,
            version=None if found is None else found.version,
            sent_at=self._begun_at + exchange.sent,
            finished_at=self._begun_at + now,
            latency_ms=1000 * (now - exchange.sent),
            detail=detail,
        )
        self._record(write)
