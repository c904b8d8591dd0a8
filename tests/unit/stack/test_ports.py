import os
import socket
from collections.abc import Iterator

import psutil
import pytest

from stack.errors import PortHeld
from stack.ports import choose_free, holder, is_free, require_free


@pytest.fixture
def held() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_held_port_is_not_free_and_has_a_holder(held: int) -> None:
    assert not is_free(held)
    process = holder(held)
    assert process is not None
    assert process.pid == os.getpid()


def test_a_port_held_on_all_addresses_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_chosen_ports_differ_are_free_and_avoid_the_taken() -> None:
    chosen = choose_free(20)
    assert len(set(chosen)) == 20
    assert all(map(is_free, chosen))
    assert not set(chosen) & set(choose_free(5, taken=chosen))


def test_every_held_port_is_told_with_pid_and_name(held: int) -> None:
    (free,) = choose_free(1)
    name = psutil.Process().name()
    with pytest.raises(PortHeld) as caught:
        require_free([("api", held), ("redis", free)])
    assert caught.value.message == f"port {held} for api is held by {name} (pid {os.getpid()})"
    assert "--name" in caught.value.hint
