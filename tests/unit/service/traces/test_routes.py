"""/v1/traces as the specification of OTLP over HTTP has it, and what is told of traces."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask
from flask.testing import FlaskClient
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from service import problems
from service.routes.traces import otlp, otlp_refusal, traces
from service.traces.life import Now
from service.traces.otlp import MAX_BYTES
from service.traces.store import TraceStore
from tests.spans import request, trace_id

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def export(*trace_ids: str) -> bytes:
    sent = ExportTraceServiceRequest()
    for each in trace_ids:
        span = sent.resource_spans.add().scope_spans.add().spans.add()
        span.trace_id, span.span_id, span.name = bytes.fromhex(each), bytes.fromhex(SPAN), "write"
        span.start_time_unix_nano = span.end_time_unix_nano = 10**18
    return bytes(sent.SerializeToString())


@pytest.fixture
def store() -> Iterator[TraceStore]:
    with closing(TraceStore(None)) as own:
        yield own


@pytest.fixture
def forwarded() -> list[bytes]:
    return []


@pytest.fixture
def http(store: TraceStore, forwarded: list[bytes]) -> FlaskClient:
    app = Flask("test")
    app.config["MAX_CONTENT_LENGTH"] = 1000
    app.register_blueprint(otlp(store, forwarded.append))
    app.register_blueprint(traces(store, lambda product: (Now(row_version=3), [])))
    problems.register(app)
    return app.test_client()


def test_protobuf_is_taken_kept_and_passed_on(http: FlaskClient, forwarded: list[bytes]) -> None:
    answer = http.post("/v1/traces", data=export(TRACE), content_type=PROTOBUF)
    assert (answer.status_code, answer.content_type, answer.data) == (200, PROTOBUF, b"")
    assert http.get(f"/traces/{TRACE}").get_json()["spans"][0]["name"] == "write"
    assert forwarded == [export(TRACE)]


def test_json_is_taken_and_passed_on_as_protobuf(http: FlaskClient, forwarded: list[bytes]) -> None:
    span = {
        "traceId": TRACE, "spanId": SPAN, "name": "write", "startTimeUnixNano": "1000000000000000000",
        "endTimeUnixNano": 10**18,
    }  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    answer = http.post("/v1/traces", json=body)
    assert (answer.status_code, answer.content_type, answer.get_json()) == (200, JSON, {})
    assert forwarded == [export(TRACE)]


def test_gzip_is_taken_also_if_it_holds_more_than_other_bodies_may(http: FlaskClient) -> None:
    body = gzip.compress(export(*(f"{n:032x}" for n in range(1, 500))))
    assert len(body) > 1000
    headers = {"Content-Encoding": "gzip"}
    assert http.post("/v1/traces", data=body, content_type=PROTOBUF, headers=headers).status_code == 200
    assert http.get(f"/traces/{499:032x}").status_code == 200


def test_spans_that_are_not_valid_are_a_partial_success(http: FlaskClient) -> None:
    answer = http.post("/v1/traces", data=export(TRACE, "00" * 16), content_type=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.data).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert http.get(f"/traces/{TRACE}").status_code == 200


def test_errors_are_in_the_encoding_of_the_request(http: FlaskClient) -> None:
    answer = http.post("/v1/traces", data=b"\xff", content_type=PROTOBUF)
    assert (answer.status_code, answer.content_type) == (400, PROTOBUF)
    assert "not an OTLP export request" in Status.FromString(answer.data).message
    answer = http.post("/v1/traces", data=b"{", content_type=JSON)
    assert (answer.status_code, answer.content_type) == (400, JSON)
    assert "not JSON" in answer.get_json()["message"]
    headers = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(bytes(MAX_BYTES + 1))
    answer = http.post("/v1/traces", data=bomb, content_type=PROTOBUF, headers=headers)
    assert (answer.status_code, answer.content_type) == (413, PROTOBUF)
    headers = {"Content-Encoding": "br"}
    assert http.post("/v1/traces", data=b"", content_type=JSON, headers=headers).status_code == 400
    assert http.post("/v1/traces", data=b"", content_type="text/plain").status_code == 415
    assert otlp_refusal("", "why") == (JSON, b'{"message":"why"}')


def test_a_trace_that_is_not_there(http: FlaskClient) -> None:
    for wrong in (TRACE, TRACE.upper(), "7", "last"):
        assert http.get(f"/traces/{wrong}").status_code == 404


def test_the_newest_writes(http: FlaskClient, store: TraceStore) -> None:
    store.add([request(product, n, trace=n) for n, product in enumerate("pqp", 1)])

    def listed(query: str) -> list[str]:
        return [span["trace_id"] for span in http.get(f"/traces{query}").get_json()["writes"]]

    assert listed("") == [trace_id(3), trace_id(2), trace_id(1)]
    assert listed("?limit=1") == [trace_id(3)]
    assert listed("?product=q") == [trace_id(2)]
    assert listed("?limit=0000000001") == [trace_id(3)]
    for wrong in ("?limit=0", "?limit=x", "?limit=0000000011001", "?limit=" + "9" * 5000, "?product=*"):
        assert http.get(f"/traces{wrong}").status_code == 422
    assert http.get("/traces?limit=x").get_json()["title"] == "The query is not valid"


def test_a_life(http: FlaskClient, store: TraceStore) -> None:
    store.add([request("p", 3, trace=1)])
    life = http.get("/products/p/life").get_json()
    assert (life["product_id"], life["writes"][0]["outcome"]) == ("p", "persisted")
    assert http.get("/products/unknown/life").get_json()["writes"] == []
    assert http.get("/products/*/life").status_code == 422


def test_a_store_that_cannot_be_read_is_a_problem(http: FlaskClient, store: TraceStore) -> None:
    store.add([request("p", 3, trace=1)])
    assert store._connection is not None
    store._connection.execute("DROP TABLE refs")
    answer = http.get(f"/traces/{TRACE}")
    assert (answer.status_code, json.loads(answer.data)["status"]) == (503, 503)
