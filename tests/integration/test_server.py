"""The API's server: bodies, slow clients, and processes that are killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import psutil
import pytest
import redis

from service.writebehind import keys
from service.writebehind.limits import MAX_BODY_BYTES
from stack.wait import wait_until
from tests.api_process import Api, running_api
from tests.raw_http import BODY, RawClient, post, request
from tests.servers import Servers

HEAD = b"POST /products HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SHORT = HEAD + b"Content-Length: %d\r\n\r\n" % (len(BODY) + 1) + BODY


@pytest.fixture
def shared(_servers: Servers) -> Servers:
    """Redis and PostgreSQL, as other tests left them."""
    return _servers


@pytest.fixture(scope="module")
def api(_servers: Servers) -> Iterator[Api]:
    _servers.empty()
    with running_api(_servers) as api:
        yield api


@pytest.fixture
def own_api(_servers: Servers) -> Iterator[Api]:
    """An API that the test may kill."""
    with running_api(_servers) as api:
        yield api


@pytest.fixture
def client(api: Api) -> Iterator[RawClient]:
    with RawClient(api.port) as client:
        yield client


def accepted(servers: Servers) -> int:
    """How many writes were acknowledged."""
    with redis.Redis.from_url(servers.redis_url) as client:
        return int(client.hget(keys.TOTALS, "accepted") or 0)


# Bodies


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(SHORT, id="short-of-its-length"),
        pytest.param(CHUNKED + b"%x\r\n" % len(BODY) + BODY, id="a-chunk-without-its-end"),
        pytest.param(CHUNKED + b"%x\r\n" % len(BODY) + BODY + b"\r\n", id="no-last-chunk"),
        pytest.param(CHUNKED + b"%x\r\n" % (len(BODY) + 9) + BODY, id="a-chunk-short-of-its-length"),
        pytest.param(CHUNKED + b"zz\r\n" + BODY, id="a-chunk-of-no-length"),
        pytest.param(CHUNKED + b"1\r\n" + BODY, id="a-chunk-beyond-its-length"),
    ],
)
def test_a_body_that_is_cut_off_is_never_acknowledged(api: Api, shared: Servers, cut: bytes) -> None:
    before = accepted(shared)
    with RawClient(api.port) as half:
        half.send(cut)
        half.end()
        answer = half.receive()
        assert (answer.status, answer.is_problem()) == (400, True)
    with RawClient(api.port) as gone:
        gone.send(cut)
    with RawClient(api.port) as other:
        assert other.ask(post()).status == 201
    assert accepted(shared) == before + 1


def test_a_whole_body_is_taken_however_it_comes(client: RawClient) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    assert client.ask(CHUNKED + chunks + b"0\r\n\r\n").status == 201
    for byte in post():
        client.send(bytes([byte]))
    assert client.receive().status == 201


@pytest.mark.parametrize(
    "long",
    [
        HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
        HEAD + b"Content-Length: 100000000000\r\n\r\n",
        HEAD + b"Expect: 100-continue\r\nContent-Length: 100000000\r\n\r\n",
        CHUNKED + b"10000\r\n" + b" " * (MAX_BODY_BYTES + 1),
    ],
)
def test_a_long_body_is_refused_unread(client: RawClient, long: bytes) -> None:
    answer = client.ask(long)
    assert (answer.status, answer.is_problem()) == (413, True)
    assert client.is_closed()


def test_the_longest_body_is_taken(client: RawClient) -> None:
    assert client.ask(post(BODY.ljust(MAX_BODY_BYTES))).status == 201


def test_curl_sends_a_body_that_it_first_asks_about(api: Api) -> None:
    done = subprocess.run(
        ["curl", "-sS", "-m", "5", "-H", "Expect: 100-continue", "-H", "Content-Type: application/json",
         "-o", "-", "-w", "%{http_code}", "-d", BODY, f"http://127.0.0.1:{api.port}/products"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith(b"201")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request("GET", "/products/nowhere"), 404),
        (request("GET", "/nowhere"), 404),
        (request("PUT", "/products"), 405),
        (post(b"{"), 400),
        (post(b"{}"), 422),
        (post(BODY, "X-Write-Policy: whatever"), 400),
    ],
)
def test_the_connection_goes_on_after_an_error(client: RawClient, asked: bytes, status: int) -> None:
    for _ in range(2):
        answer = client.ask(asked)
        assert (answer.status, answer.is_problem()) == (status, True)
    assert client.ask(post()).status == 201


def test_writes_may_be_pipelined(client: RawClient) -> None:
    client.send(post() * 40 + post(b"{}") + post())
    assert [client.receive().status for _ in range(42)] == [201] * 40 + [422, 201]


# Slow clients

UNFINISHED = {
    "a-header-and-a-byte-of-the-body": HEAD + b"Content-Length: 60\r\n\r\n{",
    "half-a-header": b"POST /products HT",
    "a-chunk-begun": CHUNKED + b"3c\r\n{",
    "nothing": b"",
}


def post_times_ms(port: int, count: int) -> list[float]:
    """How long each of `count` writes took, sorted."""
    times = []
    with RawClient(port) as client:
        for _ in range(count):
            begun = time.perf_counter()
            assert client.ask(post()).status == 201
            times.append(1000 * (time.perf_counter() - begun))
    return sorted(times)


@pytest.mark.parametrize("unfinished", UNFINISHED.values(), ids=list(UNFINISHED))
def test_two_hundred_unfinished_requests_do_not_starve_others(api: Api, unfinished: bytes) -> None:
    with ExitStack() as opened:
        for _ in range(200):
            opened.enter_context(RawClient(api.port)).send(unfinished)
        times = post_times_ms(api.port, 200)
    # Without slow clients it takes 1 to 5 ms. A thread held by a slow client is held for seconds.
    assert times[-3] < 250, times[-10:]


def test_trickling_clients_do_not_starve_others(api: Api) -> None:
    with ExitStack() as opened:
        slow = [opened.enter_context(RawClient(api.port)) for _ in range(200)]
        for client in slow:
            client.send(HEAD + b"Content-Length: 60\r\n\r\n")
        times = []
        for _ in range(10):
            for client in slow:
                client.send(b" ")
            times += post_times_ms(api.port, 20)
    assert sorted(times)[-3] < 250, sorted(times)[-10:]


# Processes


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != "zombie"]


def replaced(api: Api, killed: psutil.Process) -> bool:
    children = api.children()
    return len(children) == 2 and killed not in children


def freeze(process: psutil.Process) -> None:
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED, seconds=20, reason="it is frozen", hint="")


def wait_until_gone(processes: list[psutil.Process]) -> None:
    wait_until(lambda: not alive(processes), seconds=20, reason="the server processes ended", hint="")


@pytest.mark.slow
def test_server_processes_that_are_killed_one_after_the_other_are_all_replaced(own_api: Api) -> None:
    for _ in range(6):
        before = own_api.children()
        before[0].kill()
        own_api.wait_until_up(seconds=5)
        wait_until(partial(replaced, own_api, before[0]), seconds=20, reason="it was replaced", hint="")
    assert psutil.Process(own_api.main).is_running()


def test_it_answers_after_a_storm_of_kills(own_api: Api) -> None:
    for _ in range(8):
        for child in own_api.children():
            child.kill()
    own_api.wait_until_up(seconds=15)
    for _ in range(20):
        assert own_api.answers()


@pytest.mark.slow
def test_connections_that_wait_survive_the_death_of_a_process(own_api: Api) -> None:
    # All frozen: no process accepts the connections, but the kernel keeps them.
    frozen = own_api.children()
    for child in frozen:
        freeze(child)
    with ExitStack() as opened:
        clients = [opened.enter_context(RawClient(own_api.port)) for _ in range(20)]
        for client in clients:
            client.send(post())
        for child in frozen:
            child.kill()
        assert [client.receive().status for client in clients] == [201] * 20


@pytest.mark.slow
def test_one_frozen_process_leaves_the_other_serving(own_api: Api) -> None:
    freeze(own_api.children()[0])
    for _ in range(20):
        assert own_api.answers()


def test_when_the_parent_is_killed_the_others_end_and_the_port_is_free(own_api: Api) -> None:
    children = own_api.children()
    assert len(children) == 2
    psutil.Process(own_api.main).kill()
    assert own_api.ended(seconds=2) == -signal.SIGKILL
    own_api.start()
    own_api.wait_until_up(seconds=60)
    wait_until_gone(children)


def test_it_ends_in_good_order_also_with_clients_connected(own_api: Api) -> None:
    children = own_api.children()
    with RawClient(own_api.port) as idle, RawClient(own_api.port) as unfinished:
        assert idle.ask(post()).status == 201
        unfinished.send(SHORT)
        psutil.Process(own_api.main).terminate()
        assert own_api.ended(seconds=5) == 0
        assert idle.is_closed()
    assert not alive(children)


def test_a_port_in_use_is_reported(api: Api, shared: Servers) -> None:
    settings = shared.settings(api_port=api.port)
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        env=settings.to_env(),
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    said = f" CRITICAL service.server: can't listen on 127.0.0.1:{api.port}: Address already in use\n"
    assert (done.returncode, done.stderr[done.stderr.index(" ") :]) == (1, said)
