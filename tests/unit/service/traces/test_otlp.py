"""OTLP as exporters send it: protobuf and JSON say the same, and what is not OTLP is refused."""

import gzip
import json
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from service.traces import otlp
from service.traces.otlp import Malformed, TooLarge, decode, decompress, encoding_of

TRACE, SPAN, PARENT = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
#: As the example of opentelemetry-proto writes it.
DOCUMENT: dict[str, Any] = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
            "scopeSpans": [
                {
                    "scope": {"name": "my.library"},
                    "spans": [
                        {
                            "traceId": TRACE.upper(),
                            "spanId": SPAN,
                            "parentSpanId": PARENT,
                            "name": "I'm a server span",
                            "startTimeUnixNano": "1544712660000000000",
                            "endTimeUnixNano": "1544712661000001000",
                            "kind": 2,
                            "attributes": [
                                {"key": "text", "value": {"stringValue": "some value"}},
                                {"key": "number", "value": {"intValue": "7"}},
                                {"key": "ratio", "value": {"doubleValue": 0.5}},
                                {"key": "endless", "value": {"doubleValue": "Infinity"}},
                                {"key": "right", "value": {"boolValue": True}},
                                {"key": "list", "value": {"arrayValue": {"values": [{"intValue": 1}]}}},
                            ],
                            "events": [{"name": "retry", "timeUnixNano": "1544712660500000000"}],
                            "links": [{"traceId": TRACE, "spanId": PARENT}],
                            "status": {"code": 2, "message": "broken"},
                            "unknownMember": 1,
                        }
                    ],
                }
            ],
        }
    ]
}


def with_span(**changes: Any) -> bytes:
    document = json.loads(json.dumps(DOCUMENT))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0].update(changes)
    return json.dumps(document).encode()


def test_json_and_protobuf_give_the_same_span() -> None:
    (span,), rejected, as_protobuf = decode(with_span(), "json")
    assert rejected == 0
    assert decode(as_protobuf, "protobuf") == ([span], 0, as_protobuf)
    assert msgspec.to_builtins(span) == {
        "trace_id": TRACE,
        "span_id": SPAN,
        "parent_id": PARENT,
        "name": "I'm a server span",
        "kind": "server",
        "service": "my.service",
        "start_us": 1544712660000000,
        "end_us": 1544712661000001,
        "status": "error",
        "message": "broken",
        "attributes": {
            "text": "some value", "number": 7, "ratio": 0.5, "endless": "inf", "right": True, "list": [1],
        },
        "events": [{"name": "retry", "at_us": 1544712660500000, "attributes": {}}],
        "links": [{"trace_id": TRACE, "span_id": PARENT, "attributes": {}}],
    }  # fmt: skip


def test_a_root_has_no_parent() -> None:
    (span,), _, _ = decode(with_span(parentSpanId=""), "json")
    assert span.parent_id is None


@pytest.mark.parametrize("number", [-100, -1, 99])
def test_kinds_and_statuses_of_a_later_otlp_are_taken_for_none(number: int) -> None:
    (span,), _, _ = decode(with_span(kind=number, status={"code": number}), "json")
    assert (span.kind, span.status) == ("internal", "unset")


@pytest.mark.parametrize(
    "changes",
    [
        {"traceId": "0" * 32},
        {"traceId": "5b8e"},
        {"traceId": "no hexadecimal digits"},
        {"traceId": 7},
        {"spanId": "0" * 16},
        {"spanId": ""},
        {"startTimeUnixNano": "0"},
        {"endTimeUnixNano": "1"},
        {"endTimeUnixNano": str(2**64 - 1)},
    ],
    ids=str,
)
def test_a_span_that_is_not_valid_is_rejected_alone(changes: dict[str, Any]) -> None:
    document = json.loads(with_span(**changes))
    document["resourceSpans"].append(DOCUMENT["resourceSpans"][0])
    spans, rejected, _ = decode(json.dumps(document).encode(), "json")
    assert ([span.span_id for span in spans], rejected) == ([SPAN], 1)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("json", b""),
        ("json", b"{"),
        ("json", b"[]"),
        ("json", b"\xff"),
        ("json", b'{"resourceSpans": 7}'),
        ("json", b"[" * 100_000),
        ("json", b'{"a":' * 200 + b"1" + b"}" * 200),
        ("protobuf", b"\xff\xff\xff"),
        ("protobuf", b'{"resourceSpans": []}'),
    ],
)
def test_what_is_not_otlp_is_malformed(encoding: otlp.Encoding, body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body, encoding)


def test_an_empty_request_is_one() -> None:
    assert decode(b"", "protobuf") == ([], 0, b"")
    assert decode(b"{}", "json") == ([], 0, b"")


def test_gzip_is_decompressed_up_to_the_limit() -> None:
    assert decompress(gzip.compress(b"spans")) == b"spans"
    assert decompress(gzip.compress(b"sp") + gzip.compress(b"") + gzip.compress(b"ans")) == b"spans"
    with pytest.raises(TooLarge):
        decompress(gzip.compress(bytes(otlp.MAX_BYTES + 1)))
    for broken in (b"spans", gzip.compress(b"spans")[:-9], b""):
        with pytest.raises(Malformed):
            decompress(broken)


def test_content_types() -> None:
    assert encoding_of("application/x-protobuf") == "protobuf"
    assert encoding_of("Application/JSON; charset=utf-8") == "json"
    assert encoding_of("text/plain") is None
    assert encoding_of("") is None


def test_the_answer_counts_what_was_rejected() -> None:
    assert otlp.reply("protobuf", rejected=0) == b""
    assert json.loads(otlp.reply("json", rejected=0)) == {}
    answer = ExportTraceServiceResponse.FromString(otlp.reply("protobuf", rejected=2))
    assert answer.partial_success.rejected_spans == 2
    assert json.loads(otlp.reply("json", rejected=2))["partialSuccess"]["rejectedSpans"] == "2"
