"""What a server process does with its clients, slow and hostile ones among them."""

import socket
import struct
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from stack.wait import wait_until
from tests.raw_http import RawClient, request
from tests.unit.service.http.conftest import QUICK, Serve

POST = b"POST / HTTP/1.1\r\nHost: lab\r\n"


def echo(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """Answers what it was asked."""
    body = environ["wsgi.input"].read()
    start("200 OK", [("Content-Type", "text/plain")])
    line = "{REQUEST_METHOD} {PATH_INFO}?{QUERY_STRING}".format_map(environ)
    return [line.encode("latin-1"), b" ", body]


@pytest.fixture
def client(serve: Serve) -> Any:
    with RawClient(serve(echo)) as client:
        yield client


def test_a_request_may_come_byte_by_byte(client: RawClient) -> None:
    for number in request("POST", "/a?b=c", body=b"hello"):
        client.send(bytes([number]))
    assert client.receive().body == b"POST /a?b=c hello"


def test_pipelined_requests_are_answered_in_their_order(client: RawClient) -> None:
    client.send(b"".join(request("POST", f"/{n}", body=b"%d" % n) for n in range(100)))
    assert [client.receive().body for _ in range(100)] == [b"POST /%d? %d" % (n, n) for n in range(100)]


def test_good_requests_before_a_bad_one_are_answered(client: RawClient) -> None:
    client.send(request("GET", "/1") + request("GET", "/2") + b"nonsense\r\n\r\n")
    assert [client.receive().status for _ in range(3)] == [200, 200, 400]
    assert client.is_closed()


def test_a_chunked_body_is_put_together_and_its_trailers_left_out(client: RawClient) -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX-Trailer: 1\r\n\r\n"
    for _ in range(2):
        assert client.ask(chunked).body == b"POST /? hello"


def test_a_head_without_a_body_keeps_the_connection_in_step(client: RawClient) -> None:
    client.send(request("HEAD", "/"))
    assert client.receive(head_only=True).headers["content-length"] == str(len("HEAD /? "))
    assert client.ask(request("GET", "/")).body == b"GET /? "


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"/%41%zz%C3%A4?x=%41", b"/A%zz\xc3\xa4?x=%41"),
        (b"http://lab/a?b", b"/a?b"),
        (b"/a#b?c", b"/a?"),
        (b"//a", b"//a?"),
        (b"http://lab", b"/?"),
        (b"http://lab?a", b"/?a"),
    ],
)
def test_targets(client: RawClient, asked: bytes, answered: bytes) -> None:
    client.send(b"GET " + asked + b" HTTP/1.1\r\nHost: lab\r\n\r\n")
    assert client.receive().body == b"GET " + answered + b" "


def test_an_older_client_is_told_when_its_connection_ends(client: RawClient) -> None:
    kept = client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert kept.headers["connection"] == "keep-alive"
    assert client.ask(b"GET / HTTP/1.0\r\n\r\n").headers["connection"] == "close"
    assert client.is_closed()


def test_the_body_of_a_client_that_waits_for_a_word_is_asked_for(client: RawClient) -> None:
    asked = POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    assert client.ask(asked).status == 100
    assert client.ask(b"hello").body == b"POST /? hello"
    # One that does not wait hears no word.
    assert client.ask(asked + b"hello").body == b"POST /? hello"
    assert client.ask(asked.replace(b"5", b"5000")).status == 413


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\0\1\2", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"WHAT / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: five\r\n\r\n", 400),
        (POST + b"Content-Length:\r\n\r\n", 400),
        (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello!!", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400),
        (POST + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 5\r\n\r\nhello", 400),
        (POST + b"Expect: a miracle\r\nContent-Length: 5\r\n\r\nhello", 417),
        (POST + b"Content-Length: 1001\r\n\r\n", 413),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, 413),
        (b"GET /" + b"x" * 500 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 400, 431),
    ],
)
def test_what_is_no_request_is_told_so_in_a_problem_document(
    client: RawClient, data: bytes, status: int
) -> None:
    answer = client.ask(data)
    assert (answer.status, answer.is_problem()) == (status, True)
    assert answer.headers["connection"] == "close"
    assert client.is_closed()


def test_an_upgrade_that_is_only_offered_is_passed_over(client: RawClient) -> None:
    assert client.ask(request("GET", "/", "Upgrade: h2c", "Connection: Upgrade")).status == 200
    assert client.is_closed()


def test_a_refusal_arrives_although_the_client_goes_on_sending(serve: Serve) -> None:
    with RawClient(serve(echo)) as client:
        client.send(POST + b"Content-Length: 10000000\r\n\r\n")
        for _ in range(50):
            client.send(b"x" * 10_000)
        assert client.receive().status == 413


@pytest.mark.parametrize(
    "begun",
    [
        b"GET / HT",
        POST,
        POST + b"Content-Length: 5\r\n\r\nhel",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ],
)
def test_what_is_cut_off_never_reaches_the_application(serve: Serve, begun: bytes) -> None:
    asked: list[str] = []

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        asked.append(environ["REQUEST_METHOD"])
        return echo(environ, start)

    port = serve(application)
    with RawClient(port) as client:
        client.send(begun)
        client.end()
        answer = client.receive()
        assert (answer.status, answer.is_problem()) == (400, True)
    with RawClient(port) as client:
        client.send(begun)
    with RawClient(port) as client:
        assert client.ask(request("PUT", "/")).status == 200
    assert asked == ["PUT"]


@pytest.mark.parametrize("begun", [b"G", POST, POST + b"Content-Length: 5\r\n\r\nhel"])
def test_a_request_that_stays_unfinished_is_given_up(serve: Serve, begun: bytes) -> None:
    with RawClient(serve(echo)) as client:
        answer = client.ask(begun)
        assert (answer.status, answer.is_problem()) == (408, True)
        assert client.is_closed()


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nX: ", POST + b"Content-Length: 900\r\n\r\n"])
def test_a_trickle_does_not_move_the_deadline(serve: Serve, begun: bytes) -> None:
    with RawClient(serve(echo)) as client:
        client.send(begun)
        given_up = threading.Event()

        def trickle() -> None:
            while not given_up.wait(0.02):
                try:
                    client.send(b"x")
                except OSError:
                    return

        trickling = threading.Thread(target=trickle)
        trickling.start()
        assert client.receive().status == 408
        given_up.set()
        trickling.join()


def test_slow_clients_hold_no_thread(serve: Serve) -> None:
    port = serve(echo, threads=1, limits=replace(QUICK, max_connections=100, body_s=30, head_s=30))
    slow = [RawClient(port) for _ in range(60)]
    for number, client in enumerate(slow):
        client.send((POST + b"Content-Length: 5\r\n\r\nh")[: 20 if number % 2 else None])
    with RawClient(port) as quick:
        for _ in range(50):
            assert quick.ask(request("GET", "/")).status == 200
    for number, client in enumerate(slow):
        client.send(b" HTTP/1.1\r\nHost: lab\r\n\r\n"[9:] if number % 2 else b"ello")
        assert client.receive().status in (200, 400)
        client.close()


def test_a_connection_without_a_request_ends_some_time(serve: Serve) -> None:
    with RawClient(serve(echo, limits=replace(QUICK, idle_s=0.1))) as client:
        assert client.ask(request("GET", "/")).status == 200
        assert client.is_closed()


def test_those_that_wait_for_nothing_make_room(serve: Serve) -> None:
    port = serve(echo)
    idle = [RawClient(port) for _ in range(QUICK.max_connections)]
    for client in idle:
        assert client.ask(request("GET", "/")).status == 200
    with RawClient(port) as late:
        assert late.ask(request("GET", "/")).status == 200
    for client in idle:
        client.close()


class Gate:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        self.inside.release()
        if environ["PATH_INFO"] != "/urgent":
            self.open.wait(10)
        return echo(environ, start)


def test_while_all_threads_are_busy_the_others_wait_their_turn(serve: Serve) -> None:
    gate = Gate()
    port = serve(gate, limits=replace(QUICK, wait_s=30, max_connections=30))
    clients = [RawClient(port) for _ in range(20)]
    for client in clients:
        client.send(request("GET", "/"))
    assert [gate.inside.acquire(timeout=5) for _ in range(2)] == [True, True]
    with RawClient(port) as urgent:
        assert urgent.ask(request("GET", "/urgent")).status == 200
    assert gate.inside.acquire(timeout=5)
    assert not gate.inside.acquire(timeout=0.05)
    gate.open.set()
    for client in clients:
        assert client.receive().status == 200
        client.close()


def test_who_waits_too_long_is_told_that_nothing_was_done(serve: Serve) -> None:
    gate = Gate()
    port = serve(gate, threads=1)
    with RawClient(port) as busy, RawClient(port) as client:
        busy.send(request("GET", "/"))
        assert gate.inside.acquire(timeout=5)
        answer = client.ask(request("GET", "/"))
        assert (answer.status, answer.is_problem(), answer.headers["retry-after"]) == (503, True, "1")
        gate.open.set()
        assert busy.receive().status == 200
    assert not gate.inside.acquire(timeout=0.05)


def test_a_client_that_takes_nothing_is_let_go(serve: Serve) -> None:
    def long(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        return [b"x" * 8_000_000]

    port = serve(long, threads=1)
    with RawClient(port) as deaf, RawClient(port) as client:
        deaf.send(request("GET", "/"))
        # It holds no thread meanwhile.
        assert len(client.ask(request("GET", "/")).body) == 8_000_000

        def ended() -> bool:
            try:
                deaf.send(b"x")
            except ConnectionError:
                return True
            return False

        wait_until(ended, seconds=5, reason="the server let the client go", hint="")


def test_a_failing_application_gets_500_and_the_connection_ends(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        raise ZeroDivisionError

    with RawClient(serve(broken)) as client:
        assert client.ask(request("GET", "/")).is_problem()
        assert client.is_closed()
    assert "ZeroDivisionError" in caplog.text


def test_a_header_with_an_underscore_does_not_pass_for_one_with_a_dash(serve: Serve) -> None:
    def seen(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        return [environ.get("HTTP_X_Y", "-").encode()]

    with RawClient(serve(seen)) as client:
        assert client.ask(request("GET", "/", "X_Y: a")).body == b"-"
        assert client.ask(request("GET", "/", "X-Y: a", "x-y: b")).body == b"a,b"


def test_who_closes_at_once_leaves_nothing_behind(serve: Serve) -> None:
    port = serve(echo)
    for data in (b"", b"GET", request("GET", "/"), request("GET", "/") * 50):
        for _ in range(20):
            hasty = socket.create_connection(("127.0.0.1", port))
            hasty.sendall(data)
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            hasty.close()
    with RawClient(port) as client:
        assert client.ask(request("GET", "/")).status == 200
