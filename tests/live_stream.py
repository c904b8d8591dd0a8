"""A viewer of the lab's stream: it reads server-sent events from a socket."""

import json
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from tests.raw_http import request

#: Something else comes twice a second.
_LONGEST_S = 10.0


class StreamEnded(Exception):
    """The server closed the stream."""


class LiveStream:
    """One connection to /live/stream."""

    def __init__(self, port: int, *headers: str, seconds: float = 5.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._buffer = b""
        #: Events that came together with one that was asked for.
        self._came: deque[tuple[str, Any]] = deque()
        self._socket.sendall(request("GET", "/live/stream", *headers))
        head = self._until(b"\r\n\r\n").decode("latin-1")
        self.status = int(head.split(" ")[1])
        self.head = head.lower()

    def __enter__(self) -> "LiveStream":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def events(self) -> Iterator[tuple[str, Any]]:
        """Name and document of each event, as they come."""
        while True:
            while self._came:
                yield self._came.popleft()
            for block in self._chunk().decode().split("\n\n"):
                fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
                if "event" in fields:
                    self._came.append((fields["event"], json.loads(fields["data"])))

    def next(self, name: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """The document of the next event of this name that fits; others are skipped."""
        ends, seen = time.monotonic() + _LONGEST_S, []
        for event, document in self.events():
            if event == name and fits(document):
                return document
            seen.append((event, document))
            assert time.monotonic() < ends, f"no such {name} within {_LONGEST_S} s, but {seen[-3:]}"
        raise AssertionError(name)

    def _chunk(self) -> bytes:
        """One chunk of the body: the events that were sent together."""
        length = int(self._until(b"\r\n"), 16)
        if not length:
            raise StreamEnded
        while len(self._buffer) < length + 2:
            self._more()
        chunk, self._buffer = self._buffer[:length], self._buffer[length + 2 :]
        return chunk

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _more(self) -> None:
        try:
            data = self._socket.recv(65_536)
        except ConnectionError:
            data = b""
        if not data:
            raise StreamEnded
        self._buffer += data
