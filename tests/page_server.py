"""A server that shows the lab's page, and plays to it what a test says: the page's only collaborator."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from service.routes.page import MEDIA, POLICY


class Player:
    """What is played. Every viewer gets the greeting, then each event."""

    def __init__(self, greeting: dict[str, Any]) -> None:
        self.greeting = greeting
        #: JSON documents by path.
        self.documents: dict[str, Any] = {}
        #: Bodies that were posted, by path.
        self.posted: list[tuple[str, Any]] = []
        #: Whether viewers are turned away.
        self.refuses = False
        #: The address, once it is served.
        self.url = ""
        self._viewers: list[queue.Queue[tuple[str, Any] | None]] = []
        self._over = False
        self._lock = threading.Lock()

    def send(self, name: str, document: object) -> None:
        """Send an event to all viewers."""
        with self._lock:
            for viewer in self._viewers:
                viewer.put((name, document))

    def hang_up(self) -> None:
        """End all streams."""
        with self._lock:
            for viewer in self._viewers:
                viewer.put(None)
            self._viewers.clear()

    def end(self) -> None:
        """End all streams, and let none begin."""
        self._over = True
        self.hang_up()

    def events(self) -> Iterator[tuple[str, Any]]:
        """What one viewer gets."""
        mine: queue.Queue[tuple[str, Any] | None] = queue.Queue()
        with self._lock:
            if self._over:
                return
            self._viewers.append(mine)
        yield "hello", self.greeting
        while (event := mine.get()) is not None:
            yield event


@contextmanager
def playing(greeting: dict[str, Any]) -> Iterator[Player]:
    """A page to look at, at the player's `url`."""
    player = Player(greeting)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"player": player}))
    player.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield player
    finally:
        player.end()
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """It can end connections on which a browser may ask for something later."""

    daemon_threads = False
    #: A page asks for many files at once.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End all connections."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    player: Player

    def do_GET(self) -> None:
        if self.path == "/live/stream":
            self._stream()
        elif self.path in self.player.documents:
            self._answer(200, "application/json", json.dumps(self.player.documents[self.path]).encode())
        else:
            self._file("index.html" if self.path == "/" else self.path.removeprefix("/page/"))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.player.posted.append((self.path, body))
        self._answer(200, "application/json", b"{}")

    def _file(self, name: str) -> None:
        file = files("service.page") / name
        media = MEDIA.get(f".{name.rpartition('.')[2]}")
        if media is None or not file.is_file():
            self._answer(404, "application/problem+json", b'{"detail": "there is no such file"}')
            return
        self._answer(200, media, file.read_bytes())

    def _stream(self) -> None:
        if self.player.refuses:
            self._answer(503, "application/problem+json", b"{}")
            return
        self._begin(200, "text/event-stream")
        try:
            for name, document in self.player.events():
                self.wfile.write(f"event: {name}\ndata: {json.dumps(document)}\n\n".encode())
        except OSError:
            # The viewer is gone.
            return

    def _answer(self, status: int, media: str, body: bytes) -> None:
        self._begin(status, media)
        self.wfile.write(body)

    def _begin(self, status: int, media: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Tests are quiet."""
