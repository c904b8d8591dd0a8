"""Errors as RFC 9457 problem documents."""

from collections.abc import Mapping
from typing import Final

import msgspec
from flask import Flask, Response, current_app, request
from msgspec import UNSET
from werkzeug.exceptions import HTTPException

from service.answers import FieldProblem, Problem
from service.live.errors import HistoryUnavailable, InvalidFault, InvalidMark
from service.telemetry.facts import facts_of
from service.writebehind.errors import (
    CacheUnavailable,
    InvalidProduct,
    InvalidQuery,
    InvalidSettings,
    NoSuchProduct,
    OutcomeUnknown,
    QueueFull,
    RowsRefused,
    StoreUnavailable,
    WriteBehindError,
)

MEDIA_TYPE: Final = "application/problem+json"

#: Status and title of each error of the write path. 503: certainly not accepted. 504: unknown.
_KNOWN: Final[dict[type[WriteBehindError], tuple[int, str]]] = {
    InvalidProduct: (422, "The product is not valid"),
    InvalidQuery: (422, "The query is not valid"),
    InvalidSettings: (422, "The settings are not valid"),
    NoSuchProduct: (404, "No such product"),
    RowsRefused: (422, "PostgreSQL refuses the product"),
    QueueFull: (503, "The write-behind queue is full"),
    CacheUnavailable: (503, "Redis is not available"),
    StoreUnavailable: (503, "PostgreSQL is not available"),
    InvalidMark: (422, "The mark is not valid"),
    InvalidFault: (422, "The fault is not valid"),
    HistoryUnavailable: (503, "The page's history is not available"),
    OutcomeUnknown: (504, "The outcome of the write is unknown"),
}

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def problem(status: int, title: str, detail: str, errors: Mapping[str, str] | None = None) -> Response:
    """The answer with a problem document; 503 says when to try again.

    Args:
        errors: What is wrong with each member of the request, by name.
    """
    members = [FieldProblem(field, why) for field, why in errors.items()] if errors else UNSET
    body = Problem(title=title, status=status, detail=detail, errors=members)
    response = Response(msgspec.json.encode(body), status, content_type=MEDIA_TYPE)
    if status == 503:
        response.headers["Retry-After"] = "1"
    return response


def _on_write_behind_error(error: WriteBehindError) -> Response:
    facts_of(request.environ).failed(error)
    if isinstance(error, OutcomeUnknown) and request.method in _READS:
        # A read has no outcome to be unknown: there is just no answer now.
        error = CacheUnavailable(str(error))
    status, title = _KNOWN[type(error)]
    if isinstance(error, InvalidProduct | InvalidQuery | InvalidSettings):
        return problem(status, title, str(error), error.problems)
    detail = f"product {error} does not exist" if isinstance(error, NoSuchProduct) else str(error)
    return problem(status, title, detail)


def _on_http_error(error: HTTPException) -> Response:
    answer = problem(error.code or 500, error.name, error.description or error.name)
    for name, value in error.get_headers():
        if name.lower() == "allow":
            answer.headers[name] = value
    return answer


def _on_bug(error: Exception) -> Response:
    current_app.logger.exception("unhandled error", exc_info=error)
    return problem(500, "Internal Server Error", "a bug in the service; its log has the details")


def register(app: Flask) -> None:
    """Answer every error of `app` with a problem document."""
    app.register_error_handler(WriteBehindError, _on_write_behind_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_bug)
