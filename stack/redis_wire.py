"""Redis' protocol on a bare socket: a client library would take longer to import than to ask."""

import logging
import socket
from collections.abc import Sequence
from contextlib import closing
from typing import IO, Any, Final

from stack.spec.names import HOST
from stack.spec.service import HealthCheck

_log = logging.getLogger(__name__)

#: s; the longest wait for one answer.
ANSWER_SECONDS: Final = 1.0

Word = str | bytes | int
#: bytes for strings and status lines, int, list, None, or what Redis refused.
Answer = Any


class Refused(ValueError):
    """Redis answers with an error; its text is that of Redis."""


def redis_at(port: int) -> HealthCheck:
    """A lab's Redis, on this port of this machine."""
    return HealthCheck(protocol="redis", host=HOST, port=port)


def ask(redis: HealthCheck, *commands: Sequence[Word], seconds: float = ANSWER_SECONDS) -> list[Answer]:
    """The answer to each of these commands; one that Redis refuses is a `Refused` among them.

    Args:
        seconds: Longest wait for one answer.

    Raises:
        OSError: Redis does not answer.
        ValueError: what answers is not Redis.
    """
    with closing(connect(redis, seconds)) as connection, connection.makefile("rb") as answers:
        connection.sendall(b"".join(map(_pack, commands)))
        received = [_read(answers) for _ in commands]
    for words in commands:
        _log.debug("%s:%s %s", redis.host, redis.port, _spoken(words))
    return received


def answer_to(redis: HealthCheck, *words: Word) -> Answer:
    """The answer to one command.

    Raises:
        OSError: Redis does not answer.
        ValueError: it refuses the command (`Refused`), or what answers is not Redis.
    """
    (answer,) = ask(redis, words)
    if isinstance(answer, Refused):
        raise answer
    return answer


def connect(check: HealthCheck, seconds: float = ANSWER_SECONDS) -> socket.socket:
    """A connection to Redis that waits at most this long for each answer."""
    return socket.create_connection((check.host, check.port), timeout=seconds)


def _spoken(words: Sequence[Word]) -> str:
    """A command for the log, without the text of its script."""
    shown = [word.decode(errors="replace") if isinstance(word, bytes) else str(word) for word in words]
    if shown[0] == "EVAL":
        shown[1] = "<script>"
    return " ".join(word[:80] for word in shown)[:200]


def _pack(words: Sequence[Word]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        content = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(content), content))
    return b"".join(parts)


def _read(answers: IO[bytes]) -> Answer:
    line = answers.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("closed the connection")
    kind, said = line[:1], line[1:-2]
    match kind:
        case b"+":
            return said
        case b"-":
            return Refused(said.decode(errors="replace"))
        case b":":
            return int(said)
        case b"$":
            return _read_string(answers, int(said))
        case b"*":
            return [_read(answers) for _ in range(int(said))]
        case _:
            raise ValueError(f"answers {line!r}")


def _read_string(answers: IO[bytes], size: int) -> bytes | None:
    if size < 0:
        return None
    content = answers.read(size + 2)
    if len(content) < size + 2:
        raise ConnectionResetError("closed the connection")
    return content[:-2]
