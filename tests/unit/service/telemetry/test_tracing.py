"""Which requests are traced, and what that costs those that are not."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from service.telemetry.traced_requests import TracedRequests
from service.telemetry.tracing import Tracing, recording, within
from service.traces.spans import Span
from service.traces.store import TraceStore
from service.writebehind.settings import Settings
from tests.collector import Collector, collecting

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as own:
        yield own


@contextmanager
def tracing(**settings: object) -> Iterator[tuple[Tracing, TraceStore]]:
    store = TraceStore(None)
    own = Tracing(Settings().changed(settings, live_only=False), store)
    try:
        yield own, store
    finally:
        own.close()
        store.close()


def ask(own: Tracing, path: str = "/products", **headers: str) -> bool:
    """Make one request; return whether it was traced."""
    seen: list[bool] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(recording() is not None)
        start_response("200 OK", [])
        return [b""]

    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http", **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }  # fmt: skip
    list(TracedRequests(application, own)(environ, lambda *_: None))
    return seen[0]


def only(own: Tracing, store: TraceStore) -> Span:
    own.close()
    (span,), _ = store.trace(TRACE)
    return span


@pytest.mark.parametrize(
    ("traceparent", "traced"),
    [
        (SAMPLED, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        # Only the lowest bit says that it is sampled.
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        # A later version is read as far as it is known.
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", True),
        (f"00-{TRACE}-{SPAN}-01-what-the-future-brings", False),
        (f"ff-{TRACE}-{SPAN}-01", False),
        (SAMPLED.upper(), False),
        (f"00-{'0' * 32}-{SPAN}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"{SAMPLED},{SAMPLED}", False),
        (f"00-{TRACE}-{SPAN}", False),
        ("", False),
        ("garbage", False),
        ("00-" + "é" * 50 + "-01", False),
    ],
)
def test_a_traceparent_is_read_as_w3c_wants(traceparent: str, traced: bool) -> None:
    with tracing() as (own, store):
        assert ask(own, traceparent=traceparent) is traced
        if traced:
            assert only(own, store).parent_id == SPAN


def test_without_a_valid_traceparent_the_share_of_the_settings_decides() -> None:
    with tracing(otel_traces_sampler_arg=1) as (own, _):
        assert ask(own)
        assert ask(own, traceparent="garbage")
        assert ask(own, traceparent=f"00-{'0' * 32}-{SPAN}-00")
        assert not ask(own, traceparent=f"00-{TRACE}-{SPAN}-00")
        # Tools ask for these all the time.
        assert not ask(own, "/health")
        assert not ask(own, "/v1/traces", traceparent=SAMPLED)
    with tracing(otel_traces_sampler_arg=0.5) as (own, _):
        assert 50 < sum(ask(own) for _ in range(200)) < 150
    with tracing() as (own, _):
        assert not ask(own)


def test_tracing_can_be_switched_off() -> None:
    with tracing(otel_sdk_disabled=True, otel_traces_sampler_arg=1) as (own, _):
        assert not ask(own)
        assert not ask(own, traceparent=SAMPLED)


def test_a_request_that_breaks_has_its_error() -> None:
    with tracing() as (own, store):

        def broken(*_: Any) -> list[bytes]:
            raise ZeroDivisionError("no such luck")

        environ = {
            "REQUEST_METHOD": "BREW", "PATH_INFO": "/pot", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "HTTP_TRACEPARENT": SAMPLED,
        }  # fmt: skip
        with pytest.raises(ZeroDivisionError):
            TracedRequests(broken, own)(environ, lambda *_: None)
        span = only(own, store)
        assert (span.name, span.status, span.message) == ("HTTP", "error", "no such luck")
        assert span.attributes["error.type"] == "ZeroDivisionError"


def test_children_are_below_the_span_that_the_thread_is_in() -> None:
    with tracing() as (own, store):
        root = own.begin("root", "server", {}, carrier={"traceparent": SAMPLED})
        assert root is not None
        with within(root), within(root.child("child", "client", {"n": 1})) as child:
            assert recording() is child
        assert recording() is None
        own.close()
        spans, _ = store.trace(TRACE)
        assert [(span.name, span.parent_id) for span in spans] == [("root", SPAN), ("child", root.ids[1])]


def test_a_batch_that_a_collector_would_refuse_is_split(collector: Collector) -> None:
    settings = Settings().changed({"otel_exporter_otlp_endpoint": collector.url}, live_only=False)
    own = Tracing(settings)
    for _ in range(40):
        flush = own.begin("flush", "internal", {})
        assert flush is not None
        for _ in range(60):
            flush.span.add_event("retry", {"exception.message": "x" * 1_000})
        flush.end()
    own.close()
    assert len(collector.wait_for("flush", 40)) == 40
    assert collector.requests > 1


def test_the_end_waits_less_than_a_second_for_a_collector_that_hangs(collector: Collector) -> None:
    settings = Settings().changed({"otel_exporter_otlp_endpoint": collector.url}, live_only=False)
    own = Tracing(settings)
    collector.answers.clear()
    for _ in range(5):
        began = own.begin("flush", "internal", {})
        assert began is not None
        began.end()
    collector.wait_for("flush")
    moment = time.monotonic()
    own.close()
    # On a busy machine its threads get their turns late; the answer would be waited for for 2 s.
    assert time.monotonic() - moment < 1.5
    collector.answers.set()
    assert own.outbox is not None
    own.outbox.close(60)


def test_nothing_is_imported_for_what_is_not_traced() -> None:
    # redis-py itself imports other parts of OpenTelemetry.
    code = (
        "import sys, service.app, worker.__main__\n"
        "from service.writebehind.settings import Settings\n"
        "service.app.close(service.app.create_app(Settings()))\n"
        "sys.exit(any(name in sys.modules for name in ('opentelemetry.sdk.trace', 'google.protobuf')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
