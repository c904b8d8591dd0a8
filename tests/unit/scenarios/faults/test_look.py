"""What a Redis that refuses to answer says about itself: nothing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from scenarios.faults.language import parse_action
from scenarios.faults.look import look
from scenarios.faults.receipt import evaluate
from stack.errors import NotRunning
from stack.lab import Lab
from stack.redis_wire import redis_at


@contextmanager
def _answering(answers: bytes) -> Iterator[Lab]:
    """A lab whose Redis answers the first commands of its only client so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answers)

        thread = threading.Thread(target=once)
        thread.start()
        seen = SimpleNamespace(state="running", pid=11, started_at=1.0)
        lab = SimpleNamespace(
            redis=redis_at(server.getsockname()[1]),
            observe=lambda service: seen,
            reach=lambda service, *, seconds: "answers",
        )
        yield cast(Lab, lab)
        thread.join(5)


#: DBSIZE, the clock, HLEN, ZCARD, LINDEX, two ZRANGE, TIME.
_EMPTY = b":0\r\n$-1\r\n:0\r\n:0\r\n$-1\r\n*0\r\n*0\r\n*2\r\n$1\r\n5\r\n$1\r\n0\r\n"
_FULL = b":9\r\n$-1\r\n:4\r\n:0\r\n$-1\r\n*0\r\n*0\r\n*2\r\n$1\r\n5\r\n$1\r\n0\r\n"


@pytest.mark.parametrize(
    "answers",
    [
        b"-BUSY Redis is busy running a script\r\n" * 8,
        b"-NOAUTH Authentication required.\r\n" * 8,
        b"-LOADING Redis is loading the dataset in memory\r\n" * 8,
        _FULL.replace(b":4\r\n", b"-WRONGTYPE not a hash\r\n"),
    ],
    ids=["busy", "closed", "loading", "one of them"],
)
def test_what_redis_refuses_to_tell_is_not_an_empty_memory(answers: bytes) -> None:
    with _answering(answers) as lab:
        after = look(lab, "redis")
    assert after.memory is None
    with _answering(_FULL) as lab:
        before = look(lab, "redis")
    assert before.memory is not None
    assert evaluate(parse_action("redis:flushall"), before, after).bit is None


def test_an_empty_memory_is_seen() -> None:
    with _answering(_EMPTY) as lab:
        memory = look(lab, "redis").memory
    assert memory is not None
    assert (memory.keys, memory.epoch) == (0, None)


@pytest.mark.parametrize(
    "answers",
    [b"-BUSY Redis is busy\r\n" * 2, b"-NOAUTH no\r\n" * 2, b"$4\r\ntrue\r\n-WRONGTYPE not a hash\r\n"],
    ids=["busy", "closed", "one of them"],
)
def test_failures_are_not_off_because_redis_refuses_to_say(answers: bytes) -> None:
    with _answering(answers) as lab, pytest.raises(NotRunning, match=r"BUSY|NOAUTH|WRONGTYPE"):
        look(lab, "failures")


def test_failures_are_on_if_redis_says_so() -> None:
    with _answering(b"$4\r\ntrue\r\n*2\r\n$1\r\n3\r\n$1\r\n2\r\n") as lab:
        sight = look(lab, "failures")
    assert (sight.failing, sight.failed) == (True, 5)
