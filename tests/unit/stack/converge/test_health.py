"""Health probes, against servers that answer once."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stack.converge.health import probe, trouble
from stack.ports import choose_free
from stack.spec.runtime import Observed
from stack.spec.service import HealthCheck, ProbeKind

Serve = Callable[[bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers its first connection with these bytes; returns its port."""
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


def _check(protocol: ProbeKind, port: int) -> HealthCheck:
    return HealthCheck(protocol=protocol, host="127.0.0.1", port=port)


def _http(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _condition(clock: str = "", **worker: Any) -> bytes:
    """The answer of condition.lua if one worker reports this state."""
    document = {
        "name": "h-7",
        "pid": 7,
        "host": "h",
        "started_at": 5.0,
        "state": "idle",
        "at": 1_000_000,
        **worker,
    }
    workers = [b"h-7", json.dumps(document).encode()]
    answer = [b"1", b"0", clock.encode(), b"", workers, [], b"", b"", b"", b"", 0]
    return _resp(answer)


def _resp(value: object) -> bytes:
    match value:
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(value), value)
        case list():
            return b"*%d\r\n" % len(value) + b"".join(map(_resp, value))
        case _:
            return f":{value}\r\n".encode()


BLOCKED: dict[str, Any] = {
    "state": "blocked",
    "for_ms": 3_200,
    "blocked_by": [{"pid": 4711, "application": "psql", "query": "LOCK"}],
}
NO_WORKER = _resp([b"1", b"0", b"", b"", [], [], b"", b"", b"", b"", 0])


def test_postgres_is_asked_as_the_user_that_the_specification_names() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        received: list[bytes] = []

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(4096))
                connection.sendall(b"R\0\0\0\x08" + bytes(4))
                # The end of the stream: a connection that is reset raises here, and PostgreSQL logs that.
                received.append(connection.recv(4096))

        thread = threading.Thread(target=answer_once)
        thread.start()
        port = server.getsockname()[1]
        check = HealthCheck(protocol="postgres", host="127.0.0.1", port=port, user="ada", database="engines")
        assert probe(check) == ""
        thread.join(timeout=5)
    packet, end = received
    assert end == b""
    assert packet[8:] == b"user\0ada\0database\0engines\0\0"
    assert int.from_bytes(packet[:4], "big") == len(packet)


@pytest.mark.parametrize(
    ("protocol", "answer", "expected"),
    [
        ("redis", b"+PONG\r\n", ""),
        ("redis", b"-LOADING data\r\n", "answers 'LOADING data'"),
        ("redis", b"", "accepts no connections yet"),
        ("worker", _condition(), ""),
        ("worker", _condition(**BLOCKED), ""),
        ("worker", _condition(pid=8), "has not registered in Redis yet"),
        ("worker", _condition(clock="9000000 1000000 1"), "has not registered in Redis yet"),
        ("worker", NO_WORKER, "has not registered in Redis yet"),
        ("worker", b"-LOADING data\r\n", "Redis answers 'LOADING data'"),
        ("worker", b"$3\r\nxyz\r\n", "can't register: Redis does not answer"),
        ("worker", b"*1\r\n:1\r\n", "can't register: Redis does not answer"),
        ("postgres", b"R\0\0\0\x08", ""),
        ("postgres", b"E\0\0\0\x08", "is starting up"),
        ("http", _http("200 OK", "{}"), ""),
        ("http", _http("503 No", '{"detail": "redis down"}'), "answers 503 (redis down)"),
        ("http", _http("500 No", "<html>"), "answers 500"),
    ],
)
def test_what_a_service_lacks(serve: Serve, protocol: ProbeKind, answer: bytes, expected: str) -> None:
    seen = Observed(service="it", state="running", pid=7, own_pid=7)
    assert probe(_check(protocol, serve(answer)), seen) == expected


@pytest.mark.parametrize(
    ("protocol", "answer", "expected"),
    [
        ("worker", _condition(), ""),
        ("worker", _condition(**BLOCKED), "flush blocked for 3 s by pid 4711 (psql: LOCK)"),
        ("worker", b"junk\r\n", ""),
        ("redis", b":1\r\n", ""),
        (
            "redis",
            b"-OOM command not allowed\r\n",
            "is full: it takes no writes until the worker has made room, or it has more memory",
        ),
        ("redis", b"-ERR what\r\n", ""),
        ("http", _http("200 OK", '{"writes": {"status": "taken"}}'), ""),
        (
            "http",
            _http("200 OK", '{"writes": {"status": "refused", "detail": "Redis is full"}}'),
            "refuses writes: Redis is full",
        ),
        ("http", _http("200 OK", '{"writes": 7}'), ""),
        ("http", _http("200 OK", "[]"), ""),
    ],
)
def test_why_a_service_does_not_get_its_work_done(
    serve: Serve, protocol: ProbeKind, answer: bytes, expected: str
) -> None:
    assert trouble(_check(protocol, serve(answer))) == expected


@pytest.mark.parametrize("protocol", ["redis", "worker", "http", "postgres"])
def test_where_nobody_answers_no_trouble_is_made_up(protocol: ProbeKind) -> None:
    (port,) = choose_free(1)
    assert trouble(_check(protocol, port)) == ""


def test_not_even_http(serve: Serve) -> None:
    assert probe(_check("http", serve(b"SSH-2.0\r\n"))).startswith("does not answer properly")


@pytest.mark.parametrize("protocol", ["redis", "postgres", "http"])
def test_nobody_listens(protocol: ProbeKind) -> None:
    (port,) = choose_free(1)
    assert probe(_check(protocol, port)) == "accepts no connections yet"


def test_a_worker_without_redis() -> None:
    (port,) = choose_free(1)
    assert probe(_check("worker", port)) == "can't register: Redis does not answer"


def test_silence_is_no_health() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert probe(_check("redis", server.getsockname()[1])) == "does not answer"
