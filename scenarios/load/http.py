"""As much HTTP/1.1 as the load needs: it writes whole requests and parses answers."""

from dataclasses import dataclass
from typing import Final

import msgspec


class Malformed(Exception):
    """What came back is not an HTTP/1.1 answer with a Content-Length."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole answer."""

    status: int
    body: bytes
    #: Whether the connection may be used again.
    reusable: bool

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Stored(msgspec.Struct):
    """The part of a product's document that the load reads."""

    id: str
    version: int


_stored: Final = msgspec.json.Decoder(Stored)


def stored(body: bytes) -> Stored | None:
    """The product in an answer; None if there is none."""
    try:
        return _stored.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def request(method: str, path: str, host: str, body: bytes | None = None, *, headers: str = "") -> bytes:
    """A whole request.

    Args:
        body: JSON, if there is one.
        headers: More headers, each with its line end.
    """
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}"
    if body is None:
        return f"{head}\r\n".encode()
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def parse(received: bytes) -> Reply | None:
    """The answer in `received`; None while part of it is missing.

    Raises:
        Malformed: it is not an answer, or it has no length, so its end can't be found.
    """
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    # Header names come in any case.
    head = head.lower()
    status, length = head[9:12], head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0].strip()
    if not (head.startswith(b"http/1.") and status.isdigit() and length.isdigit()):
        raise Malformed(f"not an HTTP answer with a length: {received[:80]!r}")
    missing = int(length) - len(body)
    if missing > 0:
        return None
    if missing < 0:
        raise Malformed(f"{-missing} bytes more than the answer's length: {received[:80]!r}")
    return Reply(int(status), body, reusable=b"\r\nconnection: close" not in head)
