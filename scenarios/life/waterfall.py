"""A trace as rows on a time axis: the request, the wait in the queue, and the flush that ended it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from service.traces.spans import Span, SpanEvent

#: span: a process did something. wait: the write lay in Redis. event: something happened at one moment.
Kind = Literal["span", "wait", "event"]

_PRODUCT: Final = "lab.product.id"
_VERSION: Final = "lab.write.version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row. Times are µs since the trace began; the job that flushed may have begun before."""

    kind: Kind
    what: str
    #: The process, where it is not that of the row above it: "labctl", "api", "worker". Empty for a wait.
    who: str = ""
    #: How deep it lies below the first row of its process.
    depth: int = 0
    start_us: int
    end_us: int
    failed: bool = False
    #: Whether something was done all the time. A job also waits, and a flush is what its parts are.
    busy: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """One write's life, in the order of time."""

    trace_id: str
    #: When the request began, µs since 1970.
    began_us: int
    rows: tuple[Row, ...]
    #: Of the write, where its span says so.
    product: str | None
    version: int | None
    operation: str
    #: Whether PostgreSQL had it before it was acknowledged: no flush takes such a write.
    written_through: bool
    #: Whether a flush that took it is known.
    flushed: bool
    #: The version that replaced it in the queue, and that write's trace; None: none did.
    replaced_by: tuple[int, str] | None


def waterfall(trace_id: str, spans: Sequence[Span], linked: Sequence[Span]) -> Waterfall:
    """Lay out a trace.

    Args:
        spans: Its own.
        linked: Those of other traces that concern it: the flushes that took the write, and the write that
            replaced it.
    """
    began = min((span.start_us for span in (spans or linked)), default=0)
    write = next((span for span in spans if span.kind == "server"), None)
    attributes: Mapping[str, Any] = write.attributes if write else {}
    replaced = _replacement(trace_id, linked)
    other_writes = {span.trace_id for span in linked if span.kind == "server"}
    flushes = [span for span in linked if span.trace_id not in other_writes]
    rows = [*_tree(spans, began)]
    if write is not None and 200 <= (_whole(attributes.get("http.response.status_code")) or 0) < 300:
        rows += _waits(spans, write, flushes, replaced, began)
    rows += _tree(flushes, began, write=(attributes.get(_PRODUCT), attributes.get(_VERSION)))
    return Waterfall(
        trace_id=trace_id,
        began_us=began,
        rows=tuple(rows),
        product=None if _PRODUCT not in attributes else str(attributes[_PRODUCT]),
        version=_whole(attributes.get(_VERSION)),
        written_through=attributes.get("lab.write.policy") == "write_through",
        flushed=bool(flushes),
        operation=str(attributes.get("lab.write.operation", "")),
        replaced_by=None if replaced is None else (replaced[1], replaced[2]),
    )


def _replacement(trace_id: str, linked: Iterable[Span]) -> tuple[int, int, str] | None:
    """When another write replaced this one in the queue, that write's version, and its trace."""
    for span in linked:
        for event in span.events:
            if event.name == "superseded" and trace_id in str(
                event.attributes.get("lab.superseded.traceparent", "")
            ):
                return event.at_us, _whole(span.attributes.get(_VERSION)) or 0, span.trace_id
    return None


def _whole(value: object) -> int | None:
    """The number; None if it is none: whoever reaches the API may send spans that say anything."""
    return value if isinstance(value, int) else None


def _waits(
    spans: Sequence[Span],
    write: Span,
    flushes: Sequence[Span],
    replaced: tuple[int, int, str] | None,
    began: int,
) -> Iterator[Row]:
    """From when Redis had the write to its claim, or to the write that replaced it."""
    taken = max(
        (span.end_us for span in spans if span.attributes.get("db.system.name") == "redis"),
        default=write.end_us,
    )
    claims = [span.end_us for span in flushes if span.name == "claim" and span.end_us >= taken]
    if claims:
        yield Row(kind="wait", what="waits in the queue", start_us=taken - began, end_us=min(claims) - began)
    elif replaced is not None:
        at, version, _ = replaced
        yield Row(
            kind="wait",
            what="waits in the queue",
            start_us=taken - began,
            end_us=max(at, taken) - began,
        )
        yield Row(
            kind="event", what=f"replaced by {version}", start_us=at - began, end_us=at - began, depth=1
        )


def _tree(spans: Sequence[Span], began: int, *, write: tuple[object, object] | None = None) -> Iterator[Row]:
    """The spans below their parents, brothers in the order of time, and what happened during them.

    Args:
        write: Product and version: of the events of a flush, only those of this write are shown; None: all.
    """
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    children: dict[tuple[str, str] | None, list[Span]] = {}
    for span in sorted(spans, key=lambda span: (span.start_us, -span.end_us)):
        parent = (span.trace_id, span.parent_id or "")
        children.setdefault(parent if parent in by_id else None, []).append(span)

    def below(parent: tuple[str, str] | None, depth: int) -> Iterator[Row]:
        for span in children.get(parent, ()):
            above = by_id.get((span.trace_id, span.parent_id or ""))
            yield Row(
                kind="span",
                what=span.name,
                who=_who(span) if above is None or above.service != span.service else "",
                depth=depth,
                start_us=span.start_us - began,
                end_us=max(span.start_us, span.end_us) - began,
                failed=span.status == "error",
                busy=write is None or (span.trace_id, span.span_id) not in children,
            )
            events = [
                _of_event(event, depth + 1, began)
                for event in span.events
                if write is None or _concerns(event, write)
            ]
            yield from _in_turn(events, below((span.trace_id, span.span_id), depth + 1), depth + 1)

    yield from below(None, 0)


def _in_turn(events: list[Row], rows: Iterable[Row], depth: int) -> Iterator[Row]:
    """The rows, each event before the first row of its own depth that begins after it."""
    for row in rows:
        while events and row.depth == depth and events[0].start_us <= row.start_us:
            yield events.pop(0)
        yield row
    yield from events


def _who(span: Span) -> str:
    return span.service.removeprefix("write-behind-")


def _concerns(event: SpanEvent, write: tuple[object, object]) -> bool:
    named = event.attributes.get(_PRODUCT), event.attributes.get(_VERSION)
    return named in (write, (None, None))


def _of_event(event: SpanEvent, depth: int, began: int) -> Row:
    failed = event.name in ("retry", "dead_letter", "exception")
    why = event.attributes.get("exception.message") if failed else None
    if event.name == "superseded":
        what = f"replaces {event.attributes.get('lab.superseded.version', 'an older write')}"
    else:
        what = event.name.replace("_", " ") + (f": {why}" if why else "")
    at = event.at_us - began
    return Row(kind="event", what=what, depth=depth, start_us=at, end_us=at, failed=failed)
