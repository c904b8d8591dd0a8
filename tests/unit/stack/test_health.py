"""Against servers of one answer."""

import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from stack.health import ailment
from stack.ports import choose_free
from stack.runtime import Observed
from stack.spec import HealthCheck, Protocol

Serve = Callable[[bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers its first connection with these bytes; gives its port."""
    servers: list[tuple[socket.socket, threading.Thread]] = []

    def start(answer: bytes) -> int:
        server = socket.create_server(("127.0.0.1", 0))

        def once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=once)
        thread.start()
        servers.append((server, thread))
        return int(server.getsockname()[1])

    yield start
    for server, thread in servers:
        thread.join(timeout=5)
        server.close()


def _check(protocol: Protocol, port: int) -> HealthCheck:
    return HealthCheck(protocol=protocol, host="127.0.0.1", port=port)


def _http(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _announcement(pid: int) -> bytes:
    text = json.dumps({"pid": pid})
    return f"${len(text)}\r\n{text}\r\n".encode()


@pytest.mark.parametrize(
    ("protocol", "answer", "expected"),
    [
        ("redis", b"+PONG\r\n", ""),
        ("redis", b"-LOADING data\r\n", "answers '-LOADING data'"),
        ("redis", b"", "accepts no connections yet"),
        ("worker", _announcement(7), ""),
        ("worker", _announcement(8), "has not registered in Redis yet"),
        ("worker", b"$-1\r\n", "has not registered in Redis yet"),
        ("worker", b"$3\r\nxyz\r\n", "Redis answers 'xyz'"),
        ("postgres", b"R\0\0\0\x08", ""),
        ("postgres", b"E\0\0\0\x08", "is starting up"),
        ("http", _http("200 OK", "{}"), ""),
        ("http", _http("503 No", '{"detail": "redis down"}'), "answers 503 (redis down)"),
        ("http", _http("500 No", "<html>"), "answers 500"),
    ],
)
def test_what_a_service_lacks(serve: Serve, protocol: Protocol, answer: bytes, expected: str) -> None:
    seen = Observed(service="it", state="running", pid=7, own_pid=7)
    assert ailment(_check(protocol, serve(answer)), seen) == expected


def test_not_even_http(serve: Serve) -> None:
    assert ailment(_check("http", serve(b"SSH-2.0\r\n"))).startswith("does not answer properly")


@pytest.mark.parametrize("protocol", ["redis", "postgres", "http"])
def test_nobody_listens(protocol: Protocol) -> None:
    (port,) = choose_free(1)
    assert ailment(_check(protocol, port)) == "accepts no connections yet"


def test_a_worker_without_redis() -> None:
    (port,) = choose_free(1)
    assert ailment(_check("worker", port)) == "can't register: Redis does not answer"


def test_silence_is_no_health() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ailment(_check("redis", server.getsockname()[1])) == "does not answer"
