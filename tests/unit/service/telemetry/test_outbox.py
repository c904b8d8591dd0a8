"""A collector that is down, slow or wrong costs its spans and one line of log."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from service.telemetry.outbox import Outbox
from service.traces.otlp import reply
from stack.wait import wait_until
from tests.collector import collecting


@contextmanager
def outbox(url: str, **options: int) -> Iterator[Outbox]:
    own = Outbox(url, **options)
    try:
        yield own
    finally:
        own.close(60)


def wait_for(caplog: pytest.LogCaptureFixture, text: str) -> None:
    wait_until(lambda: text in caplog.text, seconds=60, reason=f"{text!r} is logged", hint=caplog.text)


@pytest.fixture(autouse=True)
def _log_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.telemetry.outbox")


def test_what_is_offered_arrives() -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name = "write"
    attribute = request.resource_spans[0].resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", "test"
    with collecting() as collector, outbox(collector.url + "/") as own:
        own.offer(request.SerializeToString())
        assert collector.wait_for("write") == [span]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((500, b""), "it answers 500"),
        ((200, b"\xff\xffgarbage"), "its answer is not OTLP"),
        ((200, reply("protobuf", rejected=3)), "it rejects 3 spans"),
        ((302, b""), "it answers 302"),
    ],
)
def test_a_collector_that_is_wrong_is_logged_once_and_again_when_it_works(
    answer: tuple[int, bytes], complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    with collecting() as collector, outbox(collector.url) as own:
        collector.answer = answer
        for _ in range(2):
            own.offer(b"")
        wait_for(caplog, complaint)
        wait_until(lambda: collector.requests == 2, seconds=60, reason="both were sent", hint="")
        collector.answer = (200, ExportTraceServiceResponse().SerializeToString())
        own.offer(b"")
        wait_for(caplog, "traces can be sent again")
    assert len(caplog.records) == 2


def test_a_collector_that_is_down_costs_no_memory_without_bound(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with outbox(url, max_bytes=10_000) as own:
            for _ in range(1000):
                own.offer(bytes(1000))
            assert own.waiting_bytes <= 10_000
            wait_for(caplog, "Connection refused")
    assert len(caplog.records) == 1


def test_a_collector_that_answers_no_http(caplog: pytest.LogCaptureFixture) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        outbox(f"http://127.0.0.1:{server.getsockname()[1]}") as own,
    ):
        own.offer(b"")
        connection, _ = server.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
        wait_for(caplog, "traces can't be sent")


def test_a_collector_that_hangs_delays_no_end() -> None:
    with collecting() as collector:
        collector.answers.clear()
        own = Outbox(collector.url)
        own.offer(b"")
        wait_until(lambda: collector.requests == 1, seconds=60, reason="it was asked", hint="")
        began = time.monotonic()
        own.close(0.2)
        assert time.monotonic() - began < 1.5
        collector.answers.set()
        own.close(60)


def test_what_waits_at_the_end_is_sent() -> None:
    with collecting() as collector:
        own = Outbox(collector.url)
        for _ in range(20):
            own.offer(b"")
        own.close(60)
        own.offer(b"")
        assert collector.requests == 20
