"""A connection to the Docker engine that can be cut, and that counts what is asked."""

import re
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_ENGINE: Final = "/var/run/docker.sock"
#: The first line of a request.
_REQUEST: Final = re.compile(rb"(?:DELETE|GET|HEAD|POST|PUT) \S+ HTTP/1\.1\r\n")


class EngineProxy:
    """Listens on a socket of its own and passes everything on."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        #: Method and path of every request so far, in order.
        self.requests: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._path = path
        self._open: list[socket.socket] = []
        self._pumps: list[threading.Thread] = []
        self._accepting = _started(self._accept)

    def cut(self) -> None:
        """As if the engine ended: open connections break, new ones are refused."""
        self._path.unlink(missing_ok=True)
        _end(self._listener)
        self._accepting.join()
        for each in self._open:
            _end(each)
        for pump in self._pumps:
            pump.join()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(_ENGINE)
                self._open += [near, far]
                self._pumps.append(_started(_pump, near, far, self._note))

    def _note(self, data: bytes) -> None:
        if _REQUEST.match(data):
            method, path, _ = data.split(b" ", 2)
            self.requests.append(f"{method.decode()} {path.decode()}")


def _started(do: Callable[..., None], *args: object) -> threading.Thread:
    thread = threading.Thread(target=do, args=args, daemon=True)
    thread.start()
    return thread


def _end(each: socket.socket) -> None:
    """Shut a socket down before closing it: only that wakes up a thread that waits for it."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


def _pump(near: socket.socket, far: socket.socket, note: Callable[[bytes], None]) -> None:
    with near, far, selectors.DefaultSelector() as ready, suppress(OSError):
        ready.register(near, selectors.EVENT_READ, far)
        ready.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in ready.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                data = source.recv(1 << 16)
                if not data:
                    return
                if source is near:
                    note(data)
                key.data.sendall(data)


@contextmanager
def engine_proxy(path: Path) -> Iterator[EngineProxy]:
    proxy = EngineProxy(path)
    try:
        yield proxy
    finally:
        proxy.cut()
