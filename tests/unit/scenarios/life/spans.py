"""Spans as the API tells them, in short."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.traces.spans import Kind, Span, SpanEvent, Status

#: µs since 1970 at which every trace here begins: 2026-01-31, 12:00:01.204 UTC.
BEGAN_US = 1_769_860_801_204_000
TRACE, FLUSH, OTHER = "a" * 32, "f" * 32, "b" * 32
WRITE: Mapping[str, Any] = {
    "lab.product.id": "p",
    "lab.write.version": 7,
    "lab.write.operation": "create",
    "http.response.status_code": 201,
}
REDIS: Mapping[str, Any] = {"db.system.name": "redis"}


def span(
    name: str,
    number: int,
    parent: int | None,
    ms: tuple[float, float],
    service: str,
    kind: Kind = "internal",
    *,
    trace: str = TRACE,
    attributes: Mapping[str, Any] = {},
    events: Sequence[SpanEvent] = (),
    status: Status = "unset",
) -> Span:
    """`ms`: when it began and ended, since the trace began."""
    return Span(
        trace_id=trace,
        span_id=f"{number:016x}",
        parent_id=None if parent is None else f"{parent:016x}",
        name=name,
        kind=kind,
        service=service,
        start_us=BEGAN_US + round(1000 * ms[0]),
        end_us=BEGAN_US + round(1000 * ms[1]),
        status=status,
        message="",
        attributes=dict(attributes),
        events=list(events),
        links=[],
    )


def event(name: str, ms: float, **attributes: Any) -> SpanEvent:
    return SpanEvent(name, BEGAN_US + round(1000 * ms), attributes)


REQUEST = [
    span("POST /products", 1, None, (0, 2.4), "labctl", "client"),
    span("POST /products", 2, 1, (0.4, 2.2), "write-behind-api", "server", attributes=WRITE),
    span("EVALSHA write", 3, 2, (0.9, 1.3), "write-behind-api", "client", attributes=REDIS),
]
#: The job began before the request, waited for the window, and waits for more.
FLUSHED = [
    span("rq.job flush", 1, None, (-90, 600), "write-behind-worker", trace=FLUSH),
    span("flush", 2, 1, (502, 511), "write-behind-worker", trace=FLUSH),
    span("claim", 3, 2, (502, 503), "write-behind-worker", trace=FLUSH),
    span("upsert products", 4, 2, (503, 508), "write-behind-worker", "client", trace=FLUSH),
    span("ack", 5, 2, (508, 511), "write-behind-worker", trace=FLUSH),
]
