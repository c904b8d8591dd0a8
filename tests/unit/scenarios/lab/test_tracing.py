"""The spans that labctl sends, as a receiver of OTLP decodes them."""

import time
from typing import Any

import pytest

from scenarios.judge.ledger import Ledger
from scenarios.lab import tracing
from scenarios.lab.client import Client
from scenarios.lab.trace_context import TraceContext
from scenarios.lab.tracing import Tracer
from scenarios.load.generator import LoadGenerator
from scenarios.load.profiles import Creates
from scenarios.load.sampled_traces import ONE_IN
from scenarios.load.schedule import ClosedLoop, Shape
from tests.otlp_receiver import receiving
from tests.unit.scenarios.histories import WIDGET
from tests.unit.scenarios.load.scripted_server import created
from tests.unit.scenarios.load.scripted_server import serving as serving_load
from tests.unit.scenarios.scripted_api import serving as serving_api
from tests.unit.scenarios.scripted_api import status

_CLIENT = 3
_ERROR = 2


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, the last spans may need more than the second that a run waits for them."""
    monkeypatch.setattr(tracing, "_CLOSE_TIMEOUT_S", 30.0)


def _values(span: Any) -> dict[str, object]:
    return {
        each.key: each.value.string_value or each.value.int_value or each.value.double_value
        for each in span.attributes
    }


def test_the_root_span_of_a_write() -> None:
    ledger = Ledger()
    with receiving() as receiver, serving_api() as api:
        api.answer = status(201, {"id": "p", "version": 7})
        before = time.time_ns()
        with Tracer(receiver.url) as tracer, Client(api.url, ledger, tracer=tracer) as client:
            write = client.create(WIDGET)
        after = time.time_ns()
    (span,) = receiver.spans
    context = TraceContext.parse(api.asked[0][2]["traceparent"])
    assert context is not None
    assert (span.trace_id.hex(), span.span_id.hex()) == (context.trace_id, context.span_id)
    assert (span.parent_span_id, span.name, span.kind) == (b"", "POST /products", _CLIENT)
    assert before <= span.start_time_unix_nano <= span.end_time_unix_nano <= after
    assert span.status.code == 0
    assert _values(span) == {
        "server.address": "127.0.0.1",
        "server.port": int(receiver.url.rpartition(":")[2]),
        "http.request.method": "POST",
        "url.full": f"{receiver.url}/products",
        "http.response.status_code": 201,
        "lab.write.operation": "create",
        "lab.product.id": "p",
        "lab.write.version": 7,
    }
    (resource,) = receiver.requests[0].resource_spans
    assert _values(resource.resource) == {"service.name": "labctl"}
    assert write.trace == context.trace_id == ledger.writes[0].trace


@pytest.mark.parametrize(
    ("code", "error"), [pytest.param(503, "503", id="refused"), pytest.param(None, "not sent", id="not sent")]
)
def test_a_write_that_was_not_acknowledged_is_an_error(code: int | None, error: str) -> None:
    with receiving() as receiver, serving_api() as api:
        api.answer = status(code or 200, {"detail": "no"})
        url = api.url if code else "http://127.0.0.1:1"
        with Tracer(receiver.url) as tracer, Client(url, Ledger(), tracer=tracer) as client:
            client.update("p", WIDGET)
    (span,) = receiver.spans
    assert (span.name, span.status.code) == ("PUT /products/{id}", _ERROR)
    assert span.status.message
    assert _values(span)["error.type"] == error


def test_a_client_without_a_tracer_sends_no_traceparent() -> None:
    ledger = Ledger()
    with serving_api() as api:
        with Client(api.url, ledger) as client:
            client.create(WIDGET)
        assert "traceparent" not in api.asked[0][2]
    assert ledger.writes[0].trace == ""


def test_spans_that_could_not_be_delivered_are_sent_again() -> None:
    with receiving() as receiver, serving_api() as api:
        receiver.statuses = [503]
        with Tracer(receiver.url) as tracer, Client(api.url, Ledger(), tracer=tracer) as client:
            client.create(WIDGET)
    assert len(receiver.spans) == 1


@pytest.mark.parametrize("gone", [True, False], ids=["nothing listens", "it never answers"])
def test_an_api_that_takes_no_spans_hardly_delays_the_end(
    gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "_CLOSE_TIMEOUT_S", 0.1)
    monkeypatch.setattr(tracing, "_SEND_TIMEOUT_S", 60.0)
    with receiving() as receiver, serving_api() as api:
        receiver.answers.clear()
        url = "http://127.0.0.1:1" if gone else receiver.url
        tracer = Tracer(url)
        with Client(api.url, Ledger(), tracer=tracer) as client:
            client.create(WIDGET)
        before = time.monotonic()
        tracer.close()
        # The silent one would hold its answer back for longer.
        assert time.monotonic() - before < 8


def test_the_callers_environment_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OTEL_SDK_DISABLED": "true",
        "OTEL_TRACES_SAMPLER": "always_off",
        "OTEL_SERVICE_NAME": "other",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=other",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_ATTRIBUTE_COUNT_LIMIT": "1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    with (
        receiving() as receiver,
        serving_api() as api,
        Tracer(receiver.url) as tracer,
        Client(api.url, Ledger(), tracer=tracer) as client,
    ):
        client.create(WIDGET)
        tracer.close()
        (span,) = receiver.spans
    assert len(_values(span)) > 1
    assert _values(receiver.requests[0].resource_spans[0].resource) == {"service.name": "labctl"}


def test_one_in_a_hundred_writes_of_a_load_is_traced() -> None:
    ledger = Ledger()
    with receiving() as receiver, serving_load(created) as server, Tracer(receiver.url) as tracer:
        LoadGenerator(
            server.address,
            Creates("lab"),
            ClosedLoop(Shape(10.0), 2, count=2 * ONE_IN + 1),
            ledger.record,
            connections=2,
            tracer=tracer,
        ).run()
    traced = [write for write in ledger.writes if write.trace]
    assert len(traced) == 3
    assert {span.trace_id.hex() for span in receiver.spans} == {write.trace for write in traced}
    assert {_values(span)["lab.product.id"] for span in receiver.spans} == {write.product for write in traced}
