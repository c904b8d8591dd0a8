"""JSON documents in requests and answers."""

from typing import Any

import msgspec
from flask import Response, request
from werkzeug.exceptions import BadRequest


def document(value: object, status: int = 200) -> Response:
    """An answer with this value as JSON."""
    return Response(msgspec.json.encode(value), status, content_type="application/json")


def sent_settings() -> dict[str, Any]:
    """The JSON object of settings in this request's body.

    Raises:
        BadRequest: it is not one.
    """
    try:
        value = msgspec.json.decode(request.get_data(cache=False))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object of settings")
    return value
