"""Counting what connections carry, on real sockets of this process."""

import os
import socket
import sys
from collections.abc import Iterator

import psutil
import pytest

from stack.local.traffic import Traffic, TrafficMeter, connections

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sock_diag is Linux's")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as near,
        listener.accept()[0] as far,
    ):
        yield near, far


def _carried(at: socket.socket) -> Traffic:
    found = connections()
    assert found is not None
    return found[os.fstat(at.fileno()).st_ino]


def _send(source: socket.socket, target: socket.socket, count: int) -> None:
    source.sendall(b"x" * count)
    while count:
        count -= len(target.recv(count))


def test_both_ends_count_the_same(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    _send(near, far, 12_345)
    _send(far, near, 777)
    assert _carried(far) == Traffic(received=12_345, sent=777)
    assert _carried(near).received == 777


def test_a_meter_keeps_what_ended(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    meter, this = TrafficMeter(), [psutil.Process()]
    before = meter.read(this, connections() or {})
    _send(near, far, 10_000)
    carried = meter.read(this, connections() or {})
    assert carried.received - before.received >= 10_000
    near.close()
    far.close()
    assert meter.read(this, connections() or {}).received >= carried.received


def test_a_number_that_names_another_socket_begins_anew() -> None:
    assert Traffic(5, 5).since(Traffic(100, 100)) == Traffic(5, 5)
    assert Traffic(7, 9).since(Traffic(5, 5)) == Traffic(2, 4)
