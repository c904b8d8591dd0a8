"""Spans as the service and the workers make them, for tests of what is told from them."""

from itertools import count
from typing import Any, Final

from service.traces.spans import Kind, Span, SpanEvent, SpanLink

_NEXT: Final = count(1)
_STARTED_US: Final = 1_790_000_000_000_000


def trace_id(number: int) -> str:
    return f"{number:032x}"


def span(
    name: str = "POST /products",
    *,
    trace: int = 1,
    below: Span | None = None,
    kind: Kind = "internal",
    attributes: dict[str, Any] | None = None,
    events: tuple[SpanEvent, ...] = (),
    links: tuple[SpanLink, ...] = (),
    at_us: int = 0,
    **changes: Any,
) -> Span:
    """A span, by default a root; `at_us` counts from a fixed moment."""
    number = next(_NEXT)
    values: dict[str, Any] = {
        "trace_id": below.trace_id if below else trace_id(trace),
        "span_id": f"{number:016x}",
        "parent_id": below.span_id if below else None,
        "service": "test",
        "start_us": _STARTED_US + at_us,
        "end_us": _STARTED_US + at_us + 10,
        "status": "unset",
        "message": "",
    }
    return Span(
        name=name,
        kind=kind,
        attributes=attributes or {},
        events=list(events),
        links=list(links),
        **{**values, **changes},
    )


def request(product: str, version: int, *, trace: int, status: int = 201, **changes: Any) -> Span:
    """A request that wrote a product."""
    attributes = {
        "http.response.status_code": status,
        "lab.product.id": product,
        "lab.write.operation": "create",
        "lab.write.policy": "write_behind",
        **({"lab.write.version": version} if version else {}),
        **changes.pop("attributes", {}),
    }
    return span(trace=trace, kind="server", attributes=attributes, **changes)


def link(to: Span, **attributes: Any) -> SpanLink:
    """A link to a request, as a flush has it."""
    names = ("lab.product.id", "lab.write.version")
    return SpanLink(to.trace_id, to.span_id, {n: to.attributes[n] for n in names} | attributes)


def event(name: str, about: Span, **attributes: Any) -> SpanEvent:
    """An event of a flush about a request."""
    names = ("lab.product.id", "lab.write.version")
    told = {n: about.attributes[n] for n in names}
    told["lab.write.traceparent"] = f"00-{about.trace_id}-{about.span_id}-01"
    return SpanEvent(name, _STARTED_US, told | {n.replace("_", "."): v for n, v in attributes.items()})
