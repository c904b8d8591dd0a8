"""OTLP over HTTP: what exporters send (opentelemetry.io/docs/specs/otlp), as spans."""

import base64
import binascii
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from service.traces.spans import KINDS, STATUSES, Attributes, Span, SpanEvent, SpanLink

Encoding = Literal["protobuf", "json"]
CONTENT_TYPES: Final[Mapping[Encoding, str]] = {
    "protobuf": "application/x-protobuf",
    "json": "application/json",
}
#: Largest request in bytes, as it arrives and once it is decompressed. SDKs send at most 512 spans at once.
MAX_BYTES: Final = 4 * 1024 * 1024
#: The largest time, in ns, that JSON's exact integers hold as µs.
_LATEST_NS: Final = 2**53 * 1000
#: The members of OTLP's JSON that hold ids: as hexadecimal digits, whereas protobuf's JSON has Base64.
_IDS: Final = ("traceId", "spanId", "parentSpanId")
_DEEPEST: Final = 50


class Malformed(ValueError):
    """The request is not OTLP."""


class TooLarge(ValueError):
    """The request is larger than `MAX_BYTES` once it is decompressed."""


def encoding_of(content_type: str) -> Encoding | None:
    """The encoding that a Content-Type names; None if OTLP has no such encoding."""
    media = content_type.partition(";")[0].strip().lower()
    return next((encoding for encoding, name in CONTENT_TYPES.items() if name == media), None)


def decompress(body: bytes) -> bytes:
    """The content of a gzip-compressed body.

    Raises:
        Malformed: it is not gzip, or cut off.
        TooLarge: it holds more than `MAX_BYTES`.
    """
    content, rest = b"", body
    while True:
        # A body may have several members, one after another (RFC 1952, section 2.2).
        inflater = zlib.decompressobj(wbits=31)
        try:
            content += inflater.decompress(rest, MAX_BYTES - len(content) + 1)
        except zlib.error as error:
            raise Malformed(f"the body is not gzip: {error}") from error
        if len(content) > MAX_BYTES:
            raise TooLarge(f"a request has at most {MAX_BYTES} bytes once it is decompressed")
        if not inflater.eof:
            raise Malformed("the body's gzip is cut off")
        rest = inflater.unused_data
        if not rest:
            return content


def decode(body: bytes, encoding: Encoding) -> tuple[list[Span], int, bytes]:
    """Decode an export request.

    Returns:
        Its spans; how many others it held, whose ids or times are not valid; and the request as protobuf.

    Raises:
        Malformed: it is not an export request.
    """
    # Protobuf takes 20 ms to import, and most processes never receive a trace.
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    try:
        if encoding == "json":
            json_format.ParseDict(_document(body), request, ignore_unknown_fields=True)
            body = request.SerializeToString()
        else:
            request.ParseFromString(body)
        # A text that is not UTF-8 shows only when it is read.
        spans = list(_spans(request))
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not an OTLP export request: {error}") from error
    valid = [span for span in spans if span is not None]
    return valid, len(spans) - len(valid), body


def reply(encoding: Encoding, *, rejected: int) -> bytes:
    """The answer to a request that was taken, except for `rejected` spans."""
    from google.protobuf import json_format
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    answer = ExportTraceServiceResponse()
    if rejected:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = "spans without valid ids or times were rejected"
    if encoding == "json":
        return bytes(json_format.MessageToJson(answer, indent=None).encode())
    return bytes(answer.SerializeToString())


def refusal(encoding: Encoding, detail: str) -> bytes:
    """The body of an error, which OTLP wants as a `google.rpc.Status` in the request's encoding."""
    if encoding == "json":
        return msgspec.json.encode({"message": detail})
    from google.rpc.status_pb2 import Status

    return bytes(Status(message=detail).SerializeToString())


def _document(body: bytes) -> Any:
    """OTLP's JSON as protobuf's JSON."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed("the body is not a JSON object")
    return _with_ids(document)


def _with_ids(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise Malformed("the body is nested too deeply")
    if isinstance(value, list):
        return [_with_ids(part, depth + 1) for part in value]
    if isinstance(value, dict):
        return {
            name: _base64(part) if name in _IDS else _with_ids(part, depth + 1)
            for name, part in value.items()
        }
    return value


def _base64(digits: Any) -> str:
    try:
        return base64.b64encode(binascii.unhexlify(digits)).decode()
    except (ValueError, TypeError):
        # It becomes a span without a valid id, which is rejected alone.
        return ""


def _spans(request: Any) -> Iterator[Span | None]:
    """Every span of a request; None for each that is not valid."""
    for resource in request.resource_spans:
        service = str(_attributes(resource.resource.attributes).get("service.name", "unknown_service"))
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _span(span, service) if _is_valid(span) else None


def _is_valid(span: Any) -> bool:
    ids = len(span.trace_id) == 16 and any(span.trace_id) and len(span.span_id) == 8 and any(span.span_id)
    return ids and 0 < span.start_time_unix_nano <= span.end_time_unix_nano < _LATEST_NS


def _span(span: Any, service: str) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() if len(span.parent_span_id) == 8 else None,
        name=span.name,
        kind=KINDS[span.kind] if 0 <= span.kind < len(KINDS) else "internal",
        service=service,
        start_us=span.start_time_unix_nano // 1000,
        end_us=span.end_time_unix_nano // 1000,
        status=STATUSES[span.status.code] if 0 <= span.status.code < len(STATUSES) else "unset",
        message=span.status.message,
        attributes=_attributes(span.attributes),
        events=[
            SpanEvent(each.name, min(each.time_unix_nano, _LATEST_NS) // 1000, _attributes(each.attributes))
            for each in span.events
        ],
        links=[
            SpanLink(each.trace_id.hex(), each.span_id.hex(), _attributes(each.attributes))
            for each in span.links
            if len(each.trace_id) == 16 and len(each.span_id) == 8
        ],
    )


def _attributes(pairs: Iterable[Any]) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "array_value":
            return [_value(part) for part in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "double_value":
            # JSON has no NaN and no infinity.
            number = value.double_value
            return number if abs(number) < float("inf") else str(number)
        case _:
            return getattr(value, kind)
