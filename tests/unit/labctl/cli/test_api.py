"""How labctl reports the answers of the API, good and bad."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from labctl.cli.api import Api, curl
from stack.errors import EnvironmentFault, LabError, NotRunning, UsageError


class _Handler(BaseHTTPRequestHandler):
    """Answers as the path says: /<status>/<what>."""

    def do_GET(self) -> None:
        _, status, what = self.path.split("/")
        body = {
            "ok": b'{"a": 1}',
            "problem": json.dumps({"title": "Bad", "detail": "the price is odd"}).encode(),
            "html": b"<html>",
            "list": b'["odd"]',
        }[what]
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_good_answer_is_decoded(url: str) -> None:
    assert Api(url).call("GET", "/200/ok", None, {}) == {"a": 1}


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/422/problem", UsageError, "the price is odd"),
        ("/404/problem", UsageError, "404"),
        ("/400/list", UsageError, "odd"),
        ("/503/problem", EnvironmentFault, "503"),
        ("/200/html", EnvironmentFault, "without JSON"),
    ],
)
def test_a_bad_answer_becomes_an_error_for_people(
    url: str, path: str, kind: type[LabError], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught:
        Api(url).call("GET", path, None, {})
    assert caught.value.hint


def test_nobody_there_is_not_running(url: str) -> None:
    with pytest.raises(NotRunning):
        Api("http://127.0.0.1:1").call("GET", "/", None, {})


def test_the_command_that_a_person_could_have_typed() -> None:
    assert curl("GET", "http://x/a?b=1", None, {}) == "curl -s 'http://x/a?b=1'"
    assert curl("PUT", "http://x/a", {"n": "it's"}, {"X-Y": "z"}) == (
        "curl -s -X PUT http://x/a -H 'Content-Type: application/json' "
        "-d '{\"n\": \"it'\"'\"'s\"}' -H 'X-Y: z'"
    )
