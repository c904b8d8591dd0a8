"""An API and a worker whose spans a collector receives, and the way from a request to its spans."""

import os
from dataclasses import dataclass
from typing import Any, Final

import httpx
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from stack.wait import wait_until
from tests.collector import Collector, plain
from tests.servers import Servers

#: The id of the caller's span.
CALLER: Final = bytes.fromhex("b7ad6b7169203331")


@dataclass(frozen=True, slots=True)
class Traced:
    """An API and a worker that export to a collector."""

    http: httpx.Client
    collector: Collector
    settings: dict[str, object]
    servers: Servers

    def send(self, method: str, path: str, **options: Any) -> tuple[httpx.Response, bytes]:
        """Send a request as part of a new trace; return the answer and the trace's id."""
        trace = os.urandom(16)
        headers = {
            "traceparent": f"00-{trace.hex()}-{CALLER.hex()}-01",
            "tracestate": "vendor=value",
            **options.pop("headers", {}),
        }
        return self.http.request(method, path, headers=headers, **options), trace

    def request_span(self, trace: bytes) -> Span:
        """The API's span of a request."""
        wait_until(lambda: bool(self._of(trace)), seconds=60, reason="the request's span arrives", hint="")
        (span,) = self._of(trace)
        return span

    def _of(self, trace: bytes) -> list[Span]:
        spans = [span for _, span in self.collector.spans]
        return [span for span in spans if span.trace_id == trace and span.kind == Span.SPAN_KIND_SERVER]

    def children(self, parent: Span) -> dict[str, Span]:
        """Spans directly below one, by name."""
        return {span.name: span for _, span in self.collector.spans if span.parent_span_id == parent.span_id}

    def flush_of(self, trace: bytes) -> tuple[Span, dict[str, Any]]:
        """The flush that links to a trace, and the link's attributes."""

        def found() -> list[tuple[Span, dict[str, Any]]]:
            return [
                (span, plain(link.attributes))
                for span in self.collector.named("flush")
                for link in span.links
                if link.trace_id == trace
            ]

        wait_until(lambda: bool(found()), seconds=60, reason="a flush links to the trace", hint="")
        (only,) = found()
        return only
