"""Commands inside a running container."""

import logging
import shlex
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from stack.docker.engine import connect, map_docker_errors
from stack.errors import UsageError
from stack.settings import StackSettings
from stack.spec.names import DATABASE, PASSWORD, USER
from stack.spec.runtime import ExecResult

if TYPE_CHECKING:
    from docker import APIClient

_log: Final = logging.getLogger(__name__)
#: Exit codes of a shell and of the engine for a program that can't be run, or does not exist.
_NOT_RUN: Final = frozenset({126, 127})
#: With these, a bare `psql` reaches the lab's database.
_LIBPQ: Final = {"PGUSER": USER, "PGPASSWORD": PASSWORD, "PGDATABASE": DATABASE}
#: The engine's frames: one byte for the stream, three unused, four for the length; then the content.
#: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
_HEAD: Final = 8
_STDERR: Final = 2


def run(
    settings: StackSettings, container: str, service: str, argv: Sequence[str], stdin: bytes
) -> ExecResult:
    """Run a command inside a container, and wait until it ends.

    Raises:
        UsageError: the program does not exist there.
        EnvironmentFault: the engine refuses, or can't be reached.
    """
    with (
        closing(connect(settings, patient=True)) as client,
        map_docker_errors(f"no command could run in {service}"),
    ):
        made = client.exec_create(container, list(argv), environment=dict(_LIBPQ), stdin=bool(stdin))
        out, err = _converse(client, made["Id"], stdin)
        code = int(client.exec_inspect(made["Id"])["ExitCode"])
    _log.debug("ran in %s: %s: exit code %d", container, shlex.join(argv), code)
    if code in _NOT_RUN and b"OCI runtime exec failed" in out + err:
        raise UsageError(
            f"there is no program {argv[0]!r} in {service}",
            hint="postgres has psql and pg_isready, redis has redis-cli, api and worker have python",
        )
    return ExecResult.of(code, out, err)


def _converse(client: "APIClient", identity: str, stdin: bytes) -> tuple[bytes, bytes]:
    """Send all of `stdin`, and read everything: what the command wrote to stdout and to stderr.

    The library's own `exec_start` reads from the bare socket, and so loses what arrived together with the
    headers of the engine's answer: on a busy machine, all output of one command in two hundred.
    """
    answer = client.post(
        f"{client.base_url}/v{client.api_version}/exec/{identity}/start",
        json={"Detach": False, "Tty": False},
        headers={"Connection": "Upgrade", "Upgrade": "tcp"},
        stream=True,
    )
    with closing(answer), ThreadPoolExecutor(1) as pool:
        answer.raise_for_status()
        raw: Any = answer.raw
        stream = raw._fp.fp
        # At the same time, because a command that can't print does not read on.
        connection = stream.raw._sock
        sending = pool.submit(_send, connection, stdin)
        output = {False: bytearray(), True: bytearray()}
        for number, content in _frames(stream):
            output[number == _STDERR] += content
        sending.result()
    return bytes(output[False]), bytes(output[True])


def _frames(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while len(head := stream.read(_HEAD)) == _HEAD:
        yield head[0], stream.read(int.from_bytes(head[4:], "big"))


def _send(connection: socket.socket, stdin: bytes) -> None:
    # The command may end without reading all of it.
    with suppress(OSError):
        if stdin:
            connection.sendall(stdin)
            connection.shutdown(socket.SHUT_WR)
