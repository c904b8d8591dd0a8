"""An OTLP collector of the tests' own: a real HTTP server that decodes what it receives."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from stack.wait import wait_until


class Collector:
    """Receives traces, and misbehaves if a test wants it to."""

    def __init__(self) -> None:
        #: Spans as they were sent, with the `service.name` of each.
        self.spans: list[tuple[str, Span]] = []
        self.answer = (200, b"")
        #: Set to let it answer; cleared, it hangs.
        self.answers = threading.Event()
        self.answers.set()
        self.requests = 0
        self.url = ""

    def take(self, path: str, content_type: str, body: bytes) -> tuple[int, bytes]:
        assert (path, content_type) == ("/v1/traces", "application/x-protobuf")
        self.requests += 1
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
            spans = [span for scope in resource.scope_spans for span in scope.spans]
            self.spans += [(attributes["service.name"], span) for span in spans]
        self.answers.wait(30)
        return self.answer

    def named(self, name: str, *, of: bytes | None = None) -> list[Span]:
        """The spans of this name, if wanted of this trace."""
        return [span for _, span in self.spans if span.name == name and of in (None, span.trace_id)]

    def wait_for(self, name: str, count: int = 1, *, of: bytes | None = None) -> list[Span]:
        """Wait for spans of this name."""
        wait_until(
            lambda: len(self.named(name, of=of)) >= count,
            seconds=60,
            reason=f"{count} spans {name!r} arrive",
            hint=f"these did: {sorted({span.name for _, span in self.spans})}",
        )
        return self.named(name, of=of)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = collector.take(self.path, self.headers["Content-Type"], body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield collector
        finally:
            collector.answers.set()
            server.shutdown()
            thread.join()


def plain(attributes: Any) -> dict[str, Any]:
    """OTLP's attributes as a dictionary."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
