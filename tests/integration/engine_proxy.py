"""A way to the Docker engine that can be cut."""

import selectors
import socket
import threading
from collections.abc import Iterator
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
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """As if the engine ended: open connections break, new ones are refused."""
        self._path.unlink(missing_ok=True)
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(_ENGINE)
                self._open += [near, far]
                threading.Thread(target=_pump, args=(near, far), daemon=True).start()


def _pump(near: socket.socket, far: socket.socket) -> None:
    with selectors.DefaultSelector() as ready, suppress(OSError, ValueError):
        ready.register(near, selectors.EVENT_READ, far)
        ready.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in ready.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                data = source.recv(1 << 16)
                if not data:
                    near.close()
                    far.close()
                    return
                key.data.sendall(data)


@contextmanager
def engine_proxy(path: Path) -> Iterator[EngineProxy]:
    proxy = EngineProxy(path)
    try:
        yield proxy
    finally:
        proxy.cut()
