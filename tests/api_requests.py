"""Requests to an API whose server processes all may answer."""

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Final

from tests.api_process import Api

WIDGET: Final = {"name": "Widget", "price": 29.99, "quantity": 100}
THROUGH: Final = {"X-Write-Policy": "write_through"}


def ask(
    api: Api, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body, over a connection of its own, so that either server process may answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=10)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()


def post(api: Api, number: int = 1, headers: Mapping[str, str] | None = None) -> list[str]:
    answers = [ask(api, "POST", "/products", WIDGET, headers) for _ in range(number)]
    assert {status for status, _ in answers} == {201}
    return [json.loads(body)["id"] for _, body in answers]
