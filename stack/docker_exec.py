"""Commands inside a running container."""

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

from stack.docker_client import connect, translated
from stack.errors import UsageError
from stack.runtime import ExecResult
from stack.settings import StackSettings
from stack.topology import DATABASE, PASSWORD, USER

if TYPE_CHECKING:
    from docker import APIClient

#: What a shell and the engine give back for a program that can't be run, or is not there.
_NOT_RUN: Final = frozenset({126, 127})
#: A bare `psql` reaches the lab's database.
_LIBPQ: Final = {"PGUSER": USER, "PGPASSWORD": PASSWORD, "PGDATABASE": DATABASE}


def run(
    settings: StackSettings, container: str, service: str, argv: Sequence[str], stdin: bytes
) -> ExecResult:
    """Run it to its end.

    Raises:
        UsageError: there is no such program.
        EnvironmentFault: the engine refuses, or can't be reached.
    """
    with closing(connect(settings, patient=True)) as client, translated(f"no command could run in {service}"):
        made = client.exec_create(container, list(argv), environment=dict(_LIBPQ), stdin=bool(stdin))
        stdout, stderr = (
            _converse(client, made["Id"], stdin) if stdin else client.exec_start(made["Id"], demux=True)
        )
        code = int(client.exec_inspect(made["Id"])["ExitCode"])
    out, err = (part.decode(errors="replace") if part else "" for part in (stdout, stderr))
    if code in _NOT_RUN and "OCI runtime exec failed" in out + err:
        raise UsageError(
            f"there is no program {argv[0]!r} in {service}",
            hint="postgres has psql and pg_isready, redis has redis-cli, api and worker have python",
        )
    return ExecResult(code, out, err)


def _converse(client: "APIClient", identity: str, stdin: bytes) -> tuple[bytes, bytes]:
    """Send it all, and hear it out: what the command printed, and what it complained of."""
    from docker.utils.socket import STDERR, frames_iter

    spoken: Any = client.exec_start(identity, socket=True)
    # A file around the socket itself, which alone can say that nothing more will come.
    connection: socket.socket = spoken._sock
    said = {True: bytearray(), False: bytearray()}
    with closing(spoken), closing(connection), ThreadPoolExecutor(1) as pool:
        # At the same time: what the command prints must not keep it from reading on.
        sending = pool.submit(_send, connection, stdin)
        for stream, data in frames_iter(spoken, tty=False):  # type: ignore[no-untyped-call]
            said[stream == STDERR] += data
        sending.result()
    return bytes(said[False]), bytes(said[True])


def _send(connection: socket.socket, stdin: bytes) -> None:
    # A command that does not want to hear it all has ended.
    with suppress(OSError):
        connection.sendall(stdin)
        connection.shutdown(socket.SHUT_WR)
