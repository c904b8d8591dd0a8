"""An HTTP client that can send malformed requests: raw bytes over a socket."""

import json
import socket
from dataclasses import dataclass
from typing import Any

BODY = b'{"name": "Widget", "price": 29.99, "quantity": 100}'


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    #: Header names are in lower case.
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_problem(self) -> bool:
        """Whether it is a complete RFC 9457 document with the same status as the answer."""
        document = self.json
        return (
            self.headers["content-type"] == "application/problem+json"
            and document["status"] == self.status
            and bool(document["title"] and document["detail"])
        )


class RawClient:
    """One connection."""

    def __init__(self, port: int, *, seconds: float = 10.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def end(self) -> None:
        """Close the sending side, and keep reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def receive(self, *, head_only: bool = False) -> Answer:
        """The next answer. Raises ConnectionError if there is none.

        `head_only`: it answers a HEAD.
        """
        head = self._until(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(line.split(" ")[1])
        length = 0 if head_only or status == 100 else int(headers["content-length"])
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answer(status, headers, body)

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        return self.receive()

    def is_closed(self) -> bool:
        """Whether the server closes the connection without sending anything more."""
        try:
            return not self._buffer and not self._socket.recv(1)
        except ConnectionError:
            return True

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _more(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self._buffer += data


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    """A whole request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def post(body: bytes = BODY, *headers: str) -> bytes:
    return request("POST", "/products", "Content-Type: application/json", *headers, body=body)
