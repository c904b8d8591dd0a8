"""Spans, as the API keeps and answers them. All times are in µs since 1970."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Status = Literal["unset", "ok", "error"]
TraceId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
SpanId = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
Micros = Annotated[int, Meta(ge=0, description="µs since 1970")]
#: Attribute values are texts, numbers, booleans, or lists of them.
Attributes = dict[str, Any]

#: Kinds and statuses by their numbers in OTLP.
KINDS: Final[tuple[Kind, ...]] = ("internal", "internal", "server", "client", "producer", "consumer")
STATUSES: Final[tuple[Status, ...]] = ("unset", "ok", "error")

#: The attributes by which spans, links and events name a write.
PRODUCT: Final = "lab.product.id"
VERSION: Final = "lab.write.version"
#: The `traceparent` of a write that an event is about.
TRACEPARENT: Final = "lab.write.traceparent"
SUPERSEDED_TRACEPARENT: Final = "lab.superseded.traceparent"


class SpanEvent(Struct, frozen=True):
    """Something that happened during a span."""

    name: str
    at_us: Micros
    attributes: Attributes


class SpanLink(Struct, frozen=True):
    """A span of another trace that this one has to do with."""

    trace_id: TraceId
    span_id: SpanId
    attributes: Attributes


class Span(Struct, frozen=True, kw_only=True):
    """One operation of one process."""

    trace_id: TraceId
    span_id: SpanId
    parent_id: SpanId | None
    name: str
    kind: Kind
    #: Its process's `service.name`.
    service: str
    start_us: Micros
    end_us: Micros
    status: Status
    #: Why the status is `error`.
    message: str
    attributes: Attributes
    events: list[SpanEvent]
    links: list[SpanLink]


def newest_first(writes: Iterable[Span]) -> list[Span]:
    """Spans of writes, the latest first. Those of one product are in the order of their versions: requests
    that overlap may begin in another order than Redis takes them."""
    by_time = sorted(writes, key=lambda span: span.start_us, reverse=True)
    by_version: dict[str, list[Span]] = {}
    for span in sorted((span for span in by_time if _version_of(span)), key=_version_of):
        by_version.setdefault(_product_of(span), []).append(span)
    # A write without a version keeps its place.
    return [by_version[_product_of(span)].pop() if _version_of(span) else span for span in by_time]


def _product_of(span: Span) -> str:
    # Whoever reaches the API may send a span with a list here.
    return str(span.attributes.get(PRODUCT))


def _version_of(span: Span) -> int:
    """0: it has none."""
    version = span.attributes.get(VERSION)
    return version if isinstance(version, int) else 0


def trace_id_of(traceparent: object) -> str:
    """The trace's id in a `traceparent` of this lab; '' if it is none.

    >>> trace_id_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    '0af7651916cd43dd8448eb211c80319c'
    """
    parts = traceparent.split("-") if isinstance(traceparent, str) else []
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else ""
