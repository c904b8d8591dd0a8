"""A server on the loopback that answers as a test says, truthfully or not."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What a handler does once the request has been read.
Answer = Callable[[BaseHTTPRequestHandler], None]


def status(code: int, body: object = None) -> Answer:
    """Answer with this code and JSON body (bytes are sent as they are)."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Read the request, and close the connection without answering."""
    handler.close_connection = True


def break_off(handler: BaseHTTPRequestHandler) -> None:
    """Promise a long body, send its beginning, and close the connection."""
    handler.send_response(201)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id":"p","version":1,')
    handler.close_connection = True


@dataclass(slots=True)
class ScriptedApi:
    url: str
    answer: Answer
    #: Method, path, headers and JSON body of every request; spans as they come.
    asked: list[tuple[str, str, Mapping[str, str], Any]] = field(default_factory=list)
    #: Set at the end; handlers that hold an answer back then return.
    ended: threading.Event = field(default_factory=threading.Event)

    def fall_silent(self, handler: BaseHTTPRequestHandler) -> None:
        """Read the request, and never answer."""
        self.ended.wait(30)
        handler.close_connection = True


@contextmanager
def serving() -> Iterator[ScriptedApi]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_json = self.headers.get("Content-Type") != "application/x-protobuf"
            content = json.loads(body) if body and is_json else body or None
            api.asked.append((self.command, self.path, dict(self.headers.items()), content))
            api.answer(self)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _take

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api = ScriptedApi(f"http://127.0.0.1:{server.server_address[1]}", status(200, {}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        api.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
