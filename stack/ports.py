"""Ports of this machine: which are free, and who holds the others."""

import random
import socket
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final

import psutil

from stack.errors import DeadlinePassed, EnvironmentFault, PortHeld
from stack.spec.names import HOST
from stack.wait import wait_until

#: Below the range that systems use for outgoing connections: one of those could take a lab's port while its
#: server restarts.
_FIRST: Final = 15_000
_LAST: Final = 30_000
_TRIES: Final = 500
#: What to do about a port that is held.
HELD_HINT: Final = "end what holds it, or start a lab under another `--name`, which takes free ports"
#: s for the system to close the sockets of a process that has ended.
_CLOSING_SECONDS: Final = 1.0


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_free(count: int, *, taken: Collection[int] = ()) -> tuple[int, ...]:
    """Choose free ports.

    Args:
        count: How many.
        taken: Ports not to choose.

    Raises:
        EnvironmentFault: there are not that many.
    """
    chosen: list[int] = []
    for _ in range(_TRIES):
        if len(chosen) == count:
            return tuple(chosen)
        port = random.randint(_FIRST, _LAST)
        if port not in chosen and port not in taken and is_free(port):
            chosen.append(port)
    raise EnvironmentFault(
        f"there are not {count} free ports from {_FIRST} to {_LAST}",
        hint="end what holds them, or name ports with `--port`",
    )


def holder(port: int) -> psutil.Process | None:
    """The process that listens there; None if it is not ours to see."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                return psutil.Process(connection.pid)
    return None


def describe_holder(port: int) -> str:
    """The process that holds a port, for a sentence: "nginx (pid 4711)"."""
    process = holder(port)
    if process is None:
        return "another process (its owner is not visible from here)"
    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
        return f"pid {process.pid}"


def _comes_free(port: int) -> bool:
    """Whether a port is free, or becomes free soon: a killed process disappears before its sockets close."""
    if is_free(port):
        return True
    with suppress(DeadlinePassed):
        wait_until(
            lambda: is_free(port) or holder(port) is not None,
            seconds=_CLOSING_SECONDS,
            reason=f"port {port} is closed",
            hint="",
        )
    return is_free(port)


def require_free(wanted: Iterable[tuple[str, int]], describe: Callable[[int], str] = describe_holder) -> None:
    """Check the port of every service, given as (service, port).

    Args:
        wanted: The service and the port that it needs.
        describe: Who holds a port, for a sentence.

    Raises:
        PortHeld: naming every held port with its holder.
    """
    held = [(service, port) for service, port in wanted if not _comes_free(port)]
    if held:
        lines = (f"port {port} for {service} is held by {describe(port)}" for service, port in held)
        raise PortHeld(
            "; ".join(lines),
            hint=HELD_HINT,
        )
