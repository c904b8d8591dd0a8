"""A product's life: what became of each of its traced writes, from spans and from what is where now.

No outcome claims more than is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, get_args

from msgspec import Meta, Struct

from service.traces.spans import PRODUCT, VERSION, Micros, Span, SpanEvent, TraceId
from service.writebehind.scripts.writing import Operation

Outcome = Literal[
    "accepted", "superseded", "in flight", "persisted", "retrying", "dead-lettered", "written through",
    "refused", "lost", "unknown",
]  # fmt: skip
#: What could not be read.
Unread = Literal["redis", "postgres", "dead letters"]
Version = Annotated[int, Meta(ge=0)]

_OPERATION: Final = "lab.write.operation"
_OPERATIONS: Final = get_args(Operation)
_SUPERSEDED_VERSION: Final = "lab.superseded.version"
_STATUS: Final = "http.response.status_code"


class Now(Struct, frozen=True, kw_only=True):
    """Where a product is now. What could not be read is null."""

    #: Something waits for a claim of its own, perhaps behind an older entry that is claimed.
    queued: bool | None = None
    inflight: bool | None = None
    retrying: bool | None = None
    dead_lettered: bool | None = None
    pending_version: Version | None = None
    #: Older versions that wait for their own flush, while coalescing is off.
    backlog_versions: list[Version] = []
    #: The versions that its dead letters hold.
    dead_letter_versions: list[Version] = []
    cached_version: Version | None = None
    row_version: Version | None = None
    row_deleted: bool | None = None


class TracedWrite(Struct, frozen=True, kw_only=True):
    """One write of a product."""

    version: Annotated[Version | None, Meta(description="null if the write was not acknowledged")]
    operation: Operation
    policy: Annotated[str, Meta(description="The policy that took it; empty if none did")]
    trace_id: TraceId
    sent_at_us: Annotated[Micros | None, Meta(description="null if the client's span is not here")]
    received_at_us: Micros
    acknowledged_at_us: Micros
    status: Annotated[int, Meta(description="The HTTP status of the answer; 0 if there was none")]
    outcome: Outcome
    superseded_by: Version | None
    claimed_at_us: Micros | None
    worker: str | None
    committed_at_us: Micros | None
    attempts: Annotated[int, Meta(ge=0, description="Attempts to write it to PostgreSQL that are known")]
    error: str


class Life(Struct, frozen=True, kw_only=True):
    """What is known of a product: its traced writes, oldest first, and where it is now."""

    product_id: str
    writes: list[TracedWrite]
    now: Now
    unread: list[Unread]


@dataclass(slots=True)
class _Known:
    """What the workers' spans say of one version."""

    claimed_at_us: int | None = None
    worker: str | None = None
    committed_at_us: int | None = None
    attempts: int = 0
    #: The last one.
    event: str = ""
    error: str = ""


@dataclass(slots=True)
class _Spans:
    """The spans about one product, sorted by what they tell."""

    product_id: str
    by_id: Mapping[tuple[str, str], Span]
    writes: list[Span] = field(default_factory=list)
    versions: dict[int, _Known] = field(default_factory=dict)
    superseded_by: dict[int, int] = field(default_factory=dict)


def life_of(product_id: str, spans: Sequence[Span], now: Now, unread: Sequence[Unread]) -> Life:
    """Tell a product's life.

    Args:
        spans: Those that mention the product, and all above and below them in their traces.
        unread: What of `now` could not be read.
    """
    sorted_spans = _Spans(product_id, {(span.trace_id, span.span_id): span for span in spans})
    for span in spans:
        if span.kind == "server" and span.attributes.get(PRODUCT) == product_id:
            _note_write(sorted_spans, span)
        else:
            _note_flush(sorted_spans, span, spans)
    sorted_spans.writes.sort(key=lambda span: span.start_us)
    writes = [_told(span, sorted_spans, now, unread) for span in sorted_spans.writes]
    return Life(product_id=product_id, writes=writes, now=now, unread=list(unread))


def _note_write(spans: _Spans, span: Span) -> None:
    if span.attributes.get(_OPERATION) not in _OPERATIONS:
        return
    spans.writes.append(span)
    version = _number(span.attributes, VERSION)
    for event in span.events:
        older = _number(event.attributes, _SUPERSEDED_VERSION)
        if event.name == "superseded" and older is not None and version is not None:
            spans.superseded_by[older] = version


def _note_flush(spans: _Spans, flush: Span, every: Iterable[Span]) -> None:
    mentions: list[tuple[int, str, Mapping[str, Any]]] = [
        (flush.end_us, "persisted", link.attributes) for link in flush.links
    ]
    mentions += [(event.at_us, event.name, event.attributes) for event in flush.events if _is_failure(event)]
    for at_us, what, attributes in mentions:
        version = _number(attributes, VERSION)
        if attributes.get(PRODUCT) != spans.product_id or version is None:
            continue
        known = spans.versions.setdefault(version, _Known())
        known.attempts += 1
        known.claimed_at_us = _claimed_at(flush, every)
        known.worker = str(flush.attributes.get("lab.worker.name", "")) or None
        known.event = what
        if what == "persisted":
            committed_at_us = _number(attributes, "lab.write.committed_us")
            known.committed_at_us, known.error = at_us if committed_at_us is None else committed_at_us, ""
        else:
            known.error = str(attributes.get("exception.message", ""))


def _number(attributes: Mapping[str, Any], name: str) -> int | None:
    """An attribute that should be a whole number from 0: spans come from anywhere."""
    value = attributes.get(name)
    return value if type(value) is int and value >= 0 else None


def _is_failure(event: SpanEvent) -> bool:
    return event.name in ("retry", "dead_letter")


def _claimed_at(flush: Span, every: Iterable[Span]) -> int:
    """When the claim of a flush was granted."""
    claims = (
        span.end_us
        for span in every
        if (span.trace_id, span.parent_id, span.name) == (flush.trace_id, flush.span_id, "claim")
    )
    return next(claims, flush.start_us)


def _told(span: Span, spans: _Spans, now: Now, unread: Sequence[Unread]) -> TracedWrite:
    attributes = span.attributes
    version, status = _number(attributes, VERSION), _number(attributes, _STATUS) or 0
    policy = str(attributes.get("lab.write.policy", ""))
    client = spans.by_id.get((span.trace_id, span.parent_id or ""))
    known = spans.versions.get(version, _Known()) if version is not None else _Known()
    outcome, newer = _outcome(version, status, policy, known, spans, now, unread)
    through = outcome == "written through"
    return TracedWrite(
        version=version,
        operation=attributes[_OPERATION],
        policy=policy,
        trace_id=span.trace_id,
        sent_at_us=client.start_us if client and client.kind == "client" else None,
        received_at_us=span.start_us,
        acknowledged_at_us=span.end_us,
        status=status,
        outcome=outcome,
        superseded_by=newer,
        claimed_at_us=known.claimed_at_us,
        worker=known.worker,
        committed_at_us=_committed_through(span, spans) if through else known.committed_at_us,
        attempts=known.attempts + through,
        error=known.error or str(attributes.get("lab.write.error", "")),
    )


def _committed_through(span: Span, spans: _Spans) -> int | None:
    """When PostgreSQL had taken a write that was written through."""
    ends = (
        each.end_us
        for each in spans.by_id.values()
        if each.parent_id == span.span_id and each.name == "upsert products" and each.status != "error"
    )
    return max(ends, default=None)


def _outcome(
    version: int | None,
    status: int,
    policy: str,
    known: _Known,
    spans: _Spans,
    now: Now,
    unread: Sequence[Unread],
) -> tuple[Outcome, int | None]:
    """What became of a write, and the version that replaced it."""
    if version is None or not 200 <= status < 300:
        return ("refused" if 400 <= status < 500 or status == 503 else "unknown"), None
    if policy == "write_through":
        return "written through", None
    if known.event == "persisted" or now.row_version == version:
        return "persisted", None
    if version in spans.superseded_by:
        return "superseded", spans.superseded_by[version]
    if now.pending_version == version or version in now.backlog_versions:
        return _where(version, now), None
    if version in now.dead_letter_versions:
        return "dead-lettered", None
    return ("unknown" if _may_be_somewhere(version, now, unread) else "lost"), None


def _where(version: int, now: Now) -> Outcome:
    """Where a version is that Redis holds. Only the oldest is claimed or tried again. Those after it wait,
    and so does one that came after the claim."""
    oldest = version == min(now.backlog_versions, default=now.pending_version)
    if now.inflight and oldest and (now.backlog_versions or not now.queued):
        return "in flight"
    return "retrying" if now.retrying and oldest else "accepted"


def _may_be_somewhere(version: int, now: Now, unread: Sequence[Unread]) -> bool:
    """Whether a version that was not found may yet not be lost: something was not read, or a newer version is
    there, and nothing tells whether that one replaced it in the queue."""
    held = (now.pending_version, now.row_version, now.cached_version, *now.dead_letter_versions)
    return bool(unread) or max(each or 0 for each in held) > version
