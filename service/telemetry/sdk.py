"""OpenTelemetry's SDK, set up for one process. It takes 0.1 s to import; `Tracing` does that when it must.

Everything that the SDK would read from the environment is given here.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanContext, Tracer

from service.traces.spans import KINDS, STATUSES, Span, SpanEvent, SpanLink

#: Spans that wait to be exported; beyond it, the oldest are dropped. A batch of them is exported when there
#: are enough of them, or this often.
_WAITING_SPANS, _BATCH_SPANS, _EVERY_MS = 4_096, 512, 200
#: The largest batch of a flush (see worker/flush.py): each of its rows may have a link or an event.
_LARGEST_BATCH: Final = 5_000
_LONGEST_VALUE: Final = 1_024
#: A larger export request is split, if it holds more than one span.
_REQUEST_BYTES: Final = 1024 * 1024
_ATTRIBUTES: Final = 64

Export = Callable[[Sequence[ReadableSpan]], None]


def start(service: str, export: Export) -> tuple[Tracer, Callable[[], None]]:
    """A tracer whose ended spans are exported in the background, and the function that exports the last ones.

    Args:
        service: The `service.name`.
        export: Called with some spans, in one thread. It must not take long.
    """
    provider = TracerProvider(
        # Which requests are traced is decided before there is a span (see `Tracing`).
        sampler=ParentBased(ALWAYS_ON),
        resource=Resource({"service.name": service, "process.pid": os.getpid()}),
        shutdown_on_exit=False,
        span_limits=SpanLimits(
            max_attributes=_ATTRIBUTES,
            max_span_attributes=_ATTRIBUTES,
            max_event_attributes=_ATTRIBUTES,
            max_link_attributes=_ATTRIBUTES,
            max_events=_LARGEST_BATCH,
            max_links=_LARGEST_BATCH,
            max_attribute_length=_LONGEST_VALUE,
            max_span_attribute_length=_LONGEST_VALUE,
        ),
    )
    provider.add_span_processor(
        BatchSpanProcessor(
            _Exporter(export),
            max_queue_size=_WAITING_SPANS,
            schedule_delay_millis=_EVERY_MS,
            max_export_batch_size=_BATCH_SPANS,
            export_timeout_millis=1_000,
        )
    )
    return provider.get_tracer("write-behind-lab"), provider.shutdown


class _Exporter(SpanExporter):
    def __init__(self, export: Export) -> None:
        self._export = export

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._export(spans)
        return SpanExportResult.SUCCESS


def encoded(spans: Sequence[ReadableSpan]) -> Iterator[bytes]:
    """OTLP export requests with these spans, as protobuf.

    There may be several: a flush has a link for each row, and a collector limits what it takes at once.
    """
    request = bytes(encode_spans(spans).SerializeToString())
    if len(request) <= _REQUEST_BYTES or len(spans) == 1:
        yield request
        return
    middle = len(spans) // 2
    yield from encoded(spans[:middle])
    yield from encoded(spans[middle:])


def kept(spans: Sequence[ReadableSpan]) -> list[Span]:
    """The same spans, as the store keeps them."""
    return [_kept(span) for span in spans]


def _ids(context: SpanContext) -> tuple[str, str]:
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def _kept(span: ReadableSpan) -> Span:
    parent = span.parent
    trace_id, span_id = _ids(span.context)
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=_ids(parent)[1] if parent else None,
        name=span.name,
        # In OTLP, the kinds begin with `unspecified`.
        kind=KINDS[span.kind.value + 1],
        service=str(span.resource.attributes["service.name"]),
        start_us=(span.start_time or 0) // 1000,
        end_us=(span.end_time or 0) // 1000,
        status=STATUSES[span.status.status_code.value],
        message=span.status.description or "",
        attributes=dict(span.attributes or {}),
        events=[
            SpanEvent(event.name, event.timestamp // 1000, dict(event.attributes or {}))
            for event in span.events
        ],
        links=[SpanLink(*_ids(link.context), dict(link.attributes or {})) for link in span.links],
    )
