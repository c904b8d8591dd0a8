"""Sends traces to a collector by OTLP over HTTP, in the background.

Whatever the collector does, it costs no more than its spans: nothing is tried twice, what waits is bounded,
and trouble that lasts is one line of log.
"""

import http.client
import logging
import threading
import time
from collections import deque
from contextlib import closing
from typing import Final
from urllib.parse import SplitResult, urlsplit

from service.lasting import Conditions

_log: Final = logging.getLogger(__name__)

#: What may wait to be sent, in bytes; beyond it, the oldest is dropped.
MAX_WAITING_BYTES: Final = 8 * 1024 * 1024
#: How long each step of an exchange may take.
_ANSWER_TIMEOUT_S: Final = 2.0
#: The pause after a failure.
_PAUSE_S: Final = 0.5
#: How much of an answer is read.
_ANSWER_BYTES: Final = 65_536


class Outbox:
    """What waits to be sent to one collector. Threads may share it."""

    def __init__(self, endpoint: str, *, max_bytes: int = MAX_WAITING_BYTES) -> None:
        """
        Args:
            endpoint: The collector's base URL, as OTEL_EXPORTER_OTLP_ENDPOINT has it.
        """
        self._url = urlsplit(endpoint.rstrip("/") + "/v1/traces")
        self._max_bytes = max_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._conditions = Conditions(_log)

    def offer(self, request: bytes) -> None:
        """Send an export request, encoded as protobuf, when its turn comes. Returns at once."""
        with self._changed:
            if self._closing.is_set():
                return
            self._waiting.append(request)
            self._bytes += len(request)
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._waiting.popleft())
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """Send what waits, for as long as this; drop the rest."""
        with self._changed:
            self._closing.set()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    @property
    def waiting_bytes(self) -> int:
        """How much waits."""
        return self._bytes

    def _run(self) -> None:
        while (request := self._next()) is not None:
            trouble = _post(self._url, request)
            if trouble:
                self._conditions.met(
                    "collector",
                    f"traces can't be sent to {self._url.netloc}, and are dropped: {trouble}",
                )
                self._closing.wait(_PAUSE_S)
            else:
                self._conditions.over("collector", "traces can be sent again")

    def _next(self) -> bytes | None:
        """The next request; None to end. After a failure at the end, the rest would fail as well, and `close`
        does not wait for it."""
        with self._changed:
            while not self._waiting:
                if self._closing.is_set():
                    return None
                self._changed.wait()
            request = self._waiting.popleft()
            self._bytes -= len(request)
            return request


def _post(url: SplitResult, request: bytes) -> str:
    """Send one request. Returns what went wrong; '' if the collector took it."""
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    began = time.monotonic()
    try:
        with closing(kind(url.hostname or "", url.port, timeout=_ANSWER_TIMEOUT_S)) as connection:
            connection.request(
                "POST", url.path, body=request, headers={"Content-Type": "application/x-protobuf"}
            )
            answer = connection.getresponse()
            body = answer.read(_ANSWER_BYTES)
    except TimeoutError:
        return f"no answer within {time.monotonic() - began:.1f} s"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
    return _complaint(body) if answer.status == 200 else f"it answers {answer.status} {answer.reason}"


def _complaint(body: bytes) -> str:
    """What an answer with status 200 complains of; '' if nothing."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return "its answer is not OTLP"
    if partial.rejected_spans:
        return f"it rejects {partial.rejected_spans} spans: {partial.error_message}"
    return ""
