"""An HTTP server whose answers are scripted by the test: each comes from a function."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the server saw it, numbered from 0 over all connections."""

    number: int
    method: str
    path: str


#: The bytes to answer with; b"" closes the connection; None leaves the client waiting.
Script = Callable[[Asked], bytes | None]


def answer(status: int, body: str = "", *, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} Text\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()


def product(product_id: str, version: int, *, status: int = 200) -> bytes:
    return answer(status, f'{{"id":"{product_id}","name":"N","version":{version},"source":"cache"}}')


def created(asked: Asked) -> bytes:
    """Every request succeeds; versions rise."""
    if asked.method == "POST":
        return product(f"p-{asked.number}", asked.number + 1, status=201)
    return product(asked.path.rpartition("/")[2], asked.number + 1)


class ScriptedServer:
    """One thread per connection."""

    def __init__(self, listener: socket.socket, script: Script) -> None:
        self.asked: list[Asked] = []
        self.address: tuple[str, int] = listener.getsockname()
        self._listener = listener
        self._script = script
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.address[1]}"

    def start(self) -> None:
        self._threads[0].start()

    def stop(self) -> None:
        _hang_up(self._listener)
        self._threads[0].join()
        for connection in self._connections:
            _hang_up(connection)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._talk, args=(connection,)))
                self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while (asked := self._receive(connection)) is not None:
                reply = self._script(asked)
                if reply == b"":
                    return
                if reply is not None:
                    connection.sendall(reply)

    def _receive(self, connection: socket.socket) -> Asked | None:
        received = b""
        while not (head := _head_of_whole(received)):
            chunk = connection.recv(65_536)
            if not chunk:
                return None
            received += chunk
        method, path, _ = head.decode().partition("\r\n")[0].split(" ")
        with self._lock:
            asked = Asked(len(self.asked), method, path)
            self.asked.append(asked)
        return asked


@contextmanager
def serving(script: Script) -> Iterator[ScriptedServer]:
    """A running server; every thread and connection ends with the context."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        server = ScriptedServer(listener, script)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _head_of_whole(received: bytes) -> bytes:
    """The head of a complete request, otherwise nothing."""
    head, end, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    return head if end and len(body) == length else b""


def _hang_up(connection: socket.socket) -> None:
    # It may be closed already, by its own thread.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
