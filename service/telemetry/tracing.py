"""Spans of this process. What is not traced costs next to nothing: OpenTelemetry is not even imported.

A request is traced if its `traceparent` says so; without one, with the probability that the settings give.
Everything below it asks `recording()` whether it belongs to something that is traced.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal

from service.telemetry.outbox import Outbox
from service.traces.store import TraceStore
from service.writebehind.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span, Tracer

#: How long the end of a process may take to send its last spans.
_LAST_SPANS_S: Final = 0.7

Kind = Literal["internal", "server", "client", "producer", "consumer"]


class Recording:
    """A span under way, and the way to spans below it."""

    __slots__ = ("_tracer", "span")

    def __init__(self, tracer: "Tracer", span: "Span") -> None:
        self._tracer = tracer
        self.span = span

    @property
    def traceparent(self) -> str:
        """The span as W3C Trace Context names it."""
        context = self.span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of trace and span, as hexadecimal digits."""
        context = self.span.get_span_context()
        return f"{context.trace_id:032x}", f"{context.span_id:016x}"

    def child(
        self,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Any],
        *,
        began_ns: int | None = None,
    ) -> "Recording":
        """A span below this one. End it with `end`, or enter it with `within`.

        Args:
            began_ns: When it began, in ns since 1970, if that was not now.
        """
        from opentelemetry.trace import SpanKind, set_span_in_context

        span = self._tracer.start_span(
            name,
            # Without a base, the thread's own context would be read.
            context=set_span_in_context(self.span, _nothing()),
            kind=SpanKind[kind.upper()],
            attributes=attributes,
            start_time=began_ns,
            record_exception=False,
            set_status_on_exception=False,
        )
        return Recording(self._tracer, span)

    def failed(self, kind: str, message: str = "") -> None:
        """The operation ended with an error of this kind."""
        from opentelemetry.trace import StatusCode

        self.span.set_attribute("error.type", kind)
        self.span.set_status(StatusCode.ERROR, message or None)

    def end(self, ended_ns: int | None = None) -> None:
        """The operation has ended, now or at this time in ns since 1970."""
        self.span.end(ended_ns)


_recording: Final[ContextVar[Recording | None]] = ContextVar("recording", default=None)


def recording() -> Recording | None:
    """The span that this thread is in; None if nothing is traced."""
    return _recording.get()


def current_trace_id() -> str:
    """The id of the trace that this thread is in, as hexadecimal digits; '' if nothing is traced."""
    each = _recording.get()
    return each.ids[0] if each else ""


@contextmanager
def within(each: Recording) -> Iterator[Recording]:
    """Make this the span that the thread is in, also for whoever asks OpenTelemetry itself. It ends with the
    block, and fails with its error."""
    from opentelemetry.context import attach, detach
    from opentelemetry.trace import set_span_in_context

    token, context = _recording.set(each), attach(set_span_in_context(each.span))
    try:
        yield each
    except Exception as error:
        each.failed(type(error).__name__, str(error))
        raise
    finally:
        detach(context)
        _recording.reset(token)
        each.end()


class Tracing:
    """Begins spans, and sees to it that they are kept and sent."""

    def __init__(self, settings: Settings, store: TraceStore | None = None) -> None:
        """
        Args:
            store: Where this process keeps its own spans; None if it only sends them.
        """
        endpoint = settings.otel_exporter_otlp_endpoint
        self._enabled = not settings.otel_sdk_disabled and bool(endpoint or store)
        self._service = settings.otel_service_name or "write-behind-lab"
        #: The share of requests that are traced although they don't ask for it.
        self.ratio = settings.otel_traces_sampler_arg if self._enabled else 0.0
        self._store = store
        self.outbox = Outbox(endpoint) if endpoint and self._enabled else None
        self._lock = threading.Lock()
        self._tracer: Tracer | None = None
        self._shutdown: Callable[[], None] | None = None

    def prepare(self) -> None:
        """Import OpenTelemetry in the background, so that the first traced request does not wait for it."""
        if self._enabled:
            threading.Thread(target=self._started, name="tracing", daemon=True).start()

    def wanted(self, traceparent: str | None) -> bool:
        """Whether a request is traced. Cheap: this is asked for every request."""
        if traceparent is not None and self._enabled:
            # If it is malformed, it counts as none.
            return not traceparent.endswith("-00") or self.ratio > 0
        return self.ratio > 0 and random.random() < self.ratio

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Any],
        *,
        carrier: Mapping[str, str] | None = None,
        began_ns: int | None = None,
    ) -> Recording | None:
        """A span that begins here.

        Args:
            carrier: The headers `traceparent` and `tracestate`, if there are any.

        Returns:
            None if the caller asked not to be traced, or nothing is.
        """
        if not self._enabled:
            return None
        from opentelemetry.trace import SpanKind, get_current_span

        tracer, context = self._started(), _context_of(carrier)
        caller = get_current_span(context).get_span_context()
        if caller.is_valid and not caller.trace_flags.sampled:
            return None
        if carrier is not None and not caller.is_valid and not self.wanted(None):
            # What the caller sent is no trace context, so it is as if it had sent none.
            return None
        span = tracer.start_span(
            name,
            context=context,
            kind=SpanKind[kind.upper()],
            attributes=attributes,
            start_time=began_ns,
            record_exception=False,
            set_status_on_exception=False,
        )
        return Recording(tracer, span)

    def close(self) -> None:
        """Export what has ended, for less than a second."""
        deadline = time.monotonic() + _LAST_SPANS_S
        if self._shutdown is not None:
            # The SDK would wait for 30 s.
            last = threading.Thread(target=self._shutdown, daemon=True)
            last.start()
            last.join(_LAST_SPANS_S)
        if self.outbox is not None:
            self.outbox.close(max(0.0, deadline - time.monotonic()))

    def _started(self) -> "Tracer":
        with self._lock:
            if self._tracer is None:
                from service.telemetry import sdk

                self._tracer, self._shutdown = sdk.start(self._service, self._export)
            return self._tracer

    def _export(self, spans: "Sequence[ReadableSpan]") -> None:
        from service.telemetry import sdk

        if self._store is not None:
            self._store.add(sdk.kept(spans))
        if self.outbox is not None:
            for request in sdk.encoded(spans):
                self.outbox.offer(request)


def _nothing() -> "Context":
    from opentelemetry.context import Context

    return Context()


def _context_of(carrier: Mapping[str, str] | None) -> "Context":
    """The trace context of a caller, read as W3C Trace Context wants; empty if it is malformed."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(carrier or {}, context=_nothing())
