"""Traces: /v1/traces takes them (OTLP over HTTP), /traces and /products/<id>/life tell them."""

import re
import sqlite3
from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from service.answers import TraceAnswer, TraceList
from service.problems import problem
from service.routes.documents import document
from service.routes.listing import asked_limit
from service.traces.life import Now, Unread, life_of
from service.traces.otlp import (
    CONTENT_TYPES,
    MAX_BYTES,
    Encoding,
    Malformed,
    TooLarge,
    decode,
    decompress,
    encoding_of,
    refusal,
    reply,
)
from service.traces.store import TraceStore
from service.writebehind.entry import check_id

_TRACE_ID: Final = re.compile("[0-9a-f]{32}")


def otlp(store: TraceStore, forward: Callable[[bytes], None] | None) -> Blueprint:
    """The route /v1/traces.

    Args:
        forward: Passes an export request on, encoded as protobuf; None if there is no collector behind.
    """
    routes = Blueprint("otlp", __name__)

    @routes.post("/v1/traces")
    def take() -> Response:
        request.max_content_length = MAX_BYTES
        encoding = encoding_of(request.content_type or "")
        if encoding is None:
            return problem(415, "Unsupported Media Type", f"a body is {' or '.join(CONTENT_TYPES.values())}")
        try:
            spans, rejected, encoded = decode(_content(), encoding)
        except TooLarge as error:
            return _otlp(encoding, refusal(encoding, str(error)), 413)
        except Malformed as error:
            return _otlp(encoding, refusal(encoding, str(error)), 400)
        store.add(spans)
        if forward is not None:
            forward(encoded)
        return _otlp(encoding, reply(encoding, rejected=rejected), 200)

    return routes


def traces(store: TraceStore, present: Callable[[str], tuple[Now, list[Unread]]]) -> Blueprint:
    """The routes that tell traces; `present` says where a product is now."""
    routes = Blueprint("traces", __name__)
    routes.register_error_handler(sqlite3.Error, _on_store_error)

    @routes.get("/traces")
    def list_newest() -> Response:
        product_id = request.args.get("product")
        if product_id is not None:
            check_id(product_id)
        return document(TraceList(store.newest(asked_limit(), product_id or "")))

    @routes.get("/traces/<trace_id>")
    def tell_trace(trace_id: str) -> Response:
        if not _TRACE_ID.fullmatch(trace_id):
            raise NotFound("a trace's id has 32 lower-case hexadecimal digits")
        own, linked = store.trace(trace_id)
        if not own and not linked:
            raise NotFound("no such trace: it was not sampled, has not arrived yet, or is too old")
        return document(TraceAnswer(trace_id, own, linked))

    @routes.get("/products/<product_id>/life")
    def tell_life(product_id: str) -> Response:
        spans = store.about(check_id(product_id))
        now, unread = present(product_id)
        return document(life_of(product_id, spans, now, unread))

    return routes


def otlp_refusal(content_type: str, detail: str) -> tuple[str, bytes]:
    """The media type and the body of an error, in the encoding of the request."""
    encoding = encoding_of(content_type) or "json"
    return CONTENT_TYPES[encoding], refusal(encoding, detail)


def _content() -> bytes:
    body = request.get_data(cache=False)
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding == "gzip":
        return decompress(body)
    if coding not in ("identity", ""):
        raise Malformed(f"Content-Encoding {coding!r} is not supported: send gzip, or none")
    return body


def _otlp(encoding: Encoding, body: bytes, status: int) -> Response:
    return Response(body, status, content_type=CONTENT_TYPES[encoding])


def _on_store_error(error: sqlite3.Error) -> Response:
    return problem(503, "The trace store is not available", f"the trace store can't be read: {error}")
