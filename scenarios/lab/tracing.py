"""The root of a write's trace: labctl's own span, and the `traceparent` that goes with the request.

Spans leave in the background. One that can't be delivered is kept for the next attempt, within bounds, and
then dropped: a dead API costs spans, and the end of a run at most `_CLOSE_TIMEOUT_S`.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import urlsplit

import httpx
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from scenarios.judge.ledger import Write
from scenarios.lab.products import method_of, path_of, route_of
from scenarios.lab.trace_context import TraceContext

_MOST_KEPT: Final = 4096
_BATCH: Final = 512
_SEND_INTERVAL_S: Final = 0.5
_SEND_TIMEOUT_S: Final = 2.0
_CLOSE_TIMEOUT_S: Final = 1.0
_MOST_DETAIL: Final = 200
_NANO: Final = 1_000_000_000
_SCOPE: Final = InstrumentationScope("labctl")

# What the SDK has to say is for `--debug`; without a handler, Python would print it among the narration.
logging.getLogger("opentelemetry").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Ended:
    """A request that was traced."""

    write: Write
    #: The HTTP status; 0: there was no answer.
    status: int


class Tracer:
    """Starts traces, and delivers their root spans to one lab's API. Several threads may use it.

    Nothing of the caller's environment counts: every setting of the SDK is given here.
    """

    def __init__(self, url: str) -> None:
        """
        Args:
            url: Of the API; its `/v1/traces` takes the spans.
        """
        self._url = url
        self._random = Random()
        address = urlsplit(url)
        self._server: dict[str, str | int] = {
            "server.address": address.hostname or "",
            "server.port": address.port or 80,
        }
        self._resource = Resource({"service.name": "labctl"})
        self._processor = BatchSpanProcessor(
            _Exporter(f"{url}/v1/traces"),
            max_queue_size=_MOST_KEPT,
            schedule_delay_millis=1000 * _SEND_INTERVAL_S,
            max_export_batch_size=_BATCH,
            export_timeout_millis=1000 * _SEND_TIMEOUT_S,
        )

    def __enter__(self) -> "Tracer":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def begin(self) -> TraceContext:
        """A new trace, for a request that is about to be sent."""
        return TraceContext.new(self._random)

    def end(self, context: TraceContext, ended: Ended) -> None:
        """The request's span is complete; it is delivered later."""
        write = ended.write
        ahead = time.time_ns() - round(_NANO * time.monotonic())
        status = Status(StatusCode.UNSET)
        if write.answer != "acknowledged":
            status = Status(StatusCode.ERROR, _printable(write.detail))
        self._processor.on_end(
            ReadableSpan(
                name=f"{method_of(write.operation)} {route_of(write.operation)}",
                context=SpanContext(
                    int(context.trace_id, 16), int(context.span_id, 16), False, TraceFlags(TraceFlags.SAMPLED)
                ),
                kind=SpanKind.CLIENT,
                resource=self._resource,
                instrumentation_scope=_SCOPE,
                attributes={**self._server, **_attributes(self._url, ended)},
                start_time=ahead + round(_NANO * write.sent_at),
                end_time=ahead + round(_NANO * write.finished_at),
                status=status,
            )
        )

    def close(self) -> None:
        """Deliver what can be delivered within a second; the rest is dropped."""
        # The processor itself would wait for 30 s.
        closing = threading.Thread(target=self._processor.shutdown, name="last-spans", daemon=True)
        closing.start()
        closing.join(_CLOSE_TIMEOUT_S)


class _Exporter(SpanExporter):
    """Posts spans. The SDK's own reads proxies and headers from the environment, and can't be hurried."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(trust_env=False, timeout=_SEND_TIMEOUT_S)
        #: Those that could not be delivered.
        self._left: deque[ReadableSpan] = deque(maxlen=_MOST_KEPT)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._left.extend(spans)
        return SpanExportResult.SUCCESS if self._send() else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        if self._left:
            self._send()
        self._http.close()

    def _send(self) -> bool:
        content = encode_spans(list(self._left)).SerializeToString()
        headers = {"Content-Type": "application/x-protobuf"}
        try:
            answer = self._http.post(self._url, content=content, headers=headers)
        except httpx.HTTPError:
            return False
        if answer.is_server_error:
            return False
        # What the API refuses once, it would refuse again.
        self._left.clear()
        return answer.is_success


def _printable(detail: str) -> str:
    """What protobuf takes of an answer, which may hold anything."""
    return detail[:_MOST_DETAIL].encode(errors="replace").decode()


def _attributes(url: str, ended: Ended) -> dict[str, str | int]:
    """By the semantic conventions for HTTP clients, and the lab's own."""
    write = ended.write
    path = path_of(None if write.operation == "create" else write.product)
    attributes: dict[str, str | int] = {
        "http.request.method": method_of(write.operation),
        "url.full": url + path,
        "lab.write.operation": write.operation,
    }
    if write.product is not None:
        attributes["lab.product.id"] = write.product
    if write.version is not None:
        attributes["lab.write.version"] = write.version
    if ended.status:
        attributes["http.response.status_code"] = ended.status
    if write.answer != "acknowledged":
        attributes["error.type"] = str(ended.status) if ended.status else write.detail.partition(":")[0]
    return attributes
