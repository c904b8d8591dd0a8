"""A connection to the Docker engine that can be cut."""

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_ENGINE: Final = "/var/run/docker.sock"


class EngineProxy:
    """Listens on a socket of its own and passes everything on."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
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
                self._pumps.append(_started(_pump, near, far))


def _started(do: Callable[..., None], *args: socket.socket) -> threading.Thread:
    thread = threading.Thread(target=do, args=args, daemon=True)
    thread.start()
    return thread


def _end(each: socket.socket) -> None:
    """Shut a socket down before closing it: only that wakes up a thread that waits for it."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


def _pump(near: socket.socket, far: socket.socket) -> None:
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
                key.data.sendall(data)


@contextmanager
def engine_proxy(path: Path) -> Iterator[EngineProxy]:
    proxy = EngineProxy(path)
    try:
        yield proxy
    finally:
        proxy.cut()
