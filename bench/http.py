"""A closed-loop HTTP load on a few keep-alive connections, as cheap as Python allows.

One thread and raw sockets: the generator shares two cores with all that it measures, so every
microsecond it takes is one that the server does not get.
"""

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What a run gave."""

    per_second: float
    p50_ms: float
    p99_ms: float
    #: Answers with another status than 2xx.
    errors: int


def post(path: str, body: bytes, *, extra: str = "") -> bytes:
    """A whole POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: lab\r\nContent-Type: application/json\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: lab\r\n\r\n".encode()


def run_load(port: int, request: Callable[[int], bytes], *, connections: int, seconds: float) -> Load:
    """Send requests for `seconds`; `request(n)` gives the n-th."""
    selector = selectors.DefaultSelector()
    started: dict[socket.socket, float] = {}
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        started[connection] = 0.0
    latencies: list[float] = []
    errors = sent = 0
    begin = time.perf_counter()
    for connection in started:
        started[connection] = time.perf_counter()
        connection.sendall(request(sent))
        sent += 1
    while (now := time.perf_counter()) - begin < seconds:
        for key, _ in selector.select(1.0):
            connection = key.fileobj  # type: ignore[assignment]
            errors += not _receive(connection).startswith(b"HTTP/1.1 2")
            now = time.perf_counter()
            latencies.append(now - started[connection])
            started[connection] = now
            connection.sendall(request(sent))
            sent += 1
    elapsed = time.perf_counter() - begin
    for connection in started:
        connection.close()
    selector.close()
    latencies.sort()
    return Load(
        per_second=len(latencies) / elapsed,
        p50_ms=1000 * latencies[len(latencies) // 2],
        p99_ms=1000 * latencies[len(latencies) * 99 // 100],
        errors=errors,
    )


def _receive(connection: socket.socket) -> bytes:
    """One whole answer; ours always carry a Content-Length."""
    answer = connection.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        chunk = connection.recv(65_536)
        if not chunk:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        body += chunk
    return answer
