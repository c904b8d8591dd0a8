"""Redis' protocol on a bare socket: importing the client library would take longer than asking."""

import logging
import socket
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

import hiredis

from stack.spec.names import HOST
from stack.spec.service import HealthCheck

_log = logging.getLogger(__name__)

#: The longest wait for one answer, in s.
ANSWER_SECONDS: Final = 1.0
_CHUNK_BYTES: Final = 65_536
#: What the reader gives while an answer is not complete; None is an answer.
_INCOMPLETE: Final = object()

Word = str | bytes | int
#: bytes for strings and status lines, int, list, None, or what Redis refused.
Answer = Any


class Refused(ValueError):
    """An answer of Redis that is an error, with Redis' text."""


def redis_at(port: int) -> HealthCheck:
    """How the Redis on this port of this machine is reached."""
    return HealthCheck(protocol="redis", host=HOST, port=port)


def ask(redis: HealthCheck, *commands: Sequence[Word], seconds: float = ANSWER_SECONDS) -> list[Answer]:
    """Send commands together, and return the answer to each. For a command that Redis refuses, that is a
    `Refused`.

    Args:
        redis: Where Redis listens.
        commands: The words of each command.
        seconds: Longest wait for one answer.

    Raises:
        OSError: Redis does not answer.
        ValueError: what answers does not speak Redis' protocol.
    """
    for words in commands:
        _log.debug("%s:%s %s", redis.host, redis.port, _spoken(words))
    reader = hiredis.Reader(protocolError=ValueError, replyError=Refused, notEnoughData=_INCOMPLETE)
    with closing(connect(redis, seconds)) as connection:
        connection.sendall(b"".join(map(_pack, commands)))
        return [_receive(connection, reader) for _ in commands]


def answer_to(redis: HealthCheck, *words: Word) -> Answer:
    """The answer to one command.

    Raises:
        OSError: Redis does not answer.
        ValueError: it refuses the command (`Refused`), or what answers does not speak Redis' protocol.
    """
    (answer,) = ask(redis, words)
    if isinstance(answer, Refused):
        raise answer
    return answer


def connect(check: HealthCheck, seconds: float = ANSWER_SECONDS) -> socket.socket:
    """A connection to a service that waits at most `seconds` for each answer."""
    return socket.create_connection((check.host, check.port), timeout=seconds)


def _spoken(words: Sequence[Word]) -> str:
    """A command for the log, without the text of its script."""
    shown = [word.decode(errors="replace") if isinstance(word, bytes) else str(word) for word in words]
    if shown[0] == "EVAL":
        shown[1] = "<script>"
    return " ".join(word[:80] for word in shown)[:200]


def _pack(words: Sequence[Word]) -> bytes:
    command: Any = tuple(words)  # the stubs know only tuples of one word
    packed: bytes = hiredis.pack_command(command)
    return packed


def _receive(connection: socket.socket, reader: hiredis.Reader) -> Answer:
    """The next answer on this connection."""
    while (answer := reader.gets()) is _INCOMPLETE:
        received = connection.recv(_CHUNK_BYTES)
        if not received:
            raise ConnectionResetError("closed the connection")
        reader.feed(received)
    return answer
