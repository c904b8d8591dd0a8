"""Whether a service is fit for work, asked in its own protocol from this machine.

The questions are put on bare sockets: a client library would take longer to import than to ask.
"""

import http.client
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Final

from service.writebehind import keys
from stack.runtime import Observed
from stack.spec import HealthCheck, Protocol, ServiceSpec

#: s for one answer.
_ANSWER_SECONDS: Final = 1.0
#: Version 3.0 of PostgreSQL's protocol.
_POSTGRES_PROTOCOL: Final = 196_608


def ailment(check: HealthCheck, seen: Observed | None = None) -> str:
    """What the service lacks, for a sentence; '' if it is fit for work.

    Args:
        check: What to ask, and where.
        seen: The service as it is now, if that is known: an announcement that its predecessor left behind
            does not count.
    """
    try:
        return _ASK[check.protocol](check, seen)
    except TimeoutError:
        return "does not answer"
    except (OSError, http.client.HTTPException, ValueError) as error:
        refused = isinstance(error, ConnectionError)
        return "accepts no connections yet" if refused else f"does not answer properly ({error})"


def examined(spec: ServiceSpec, seen: Observed | None) -> Observed:
    """What was seen of a service, and whether it is fit for work."""
    if seen is None:
        return Observed(service=spec.name, state="missing")
    if seen.state != "running":
        return seen
    lack = ailment(spec.health, seen)
    if not lack:
        return replace(seen, state="healthy")
    young = seen.started_at is not None and time.time() - seen.started_at < spec.health.seconds
    return replace(seen, state="starting" if young else "unhealthy", detail=lack)


def _connect(check: HealthCheck) -> socket.socket:
    return socket.create_connection((check.host, check.port), timeout=_ANSWER_SECONDS)


def _ask_redis(check: HealthCheck, seen: Observed | None) -> str:
    answer = redis_line(check, "PING")
    return "" if answer == "+PONG" else f"answers {answer!r}"


def _ask_worker(check: HealthCheck, seen: Observed | None) -> str:
    try:
        answer = redis_line(check, f"GET {keys.WORKER}")
    except (OSError, ValueError):
        return "can't register: Redis does not answer"
    if answer.startswith("$-"):
        return "has not registered in Redis yet"
    if not answer.startswith("{"):
        return f"Redis answers {answer!r}"
    is_its_own = seen is None or _announces(json.loads(answer), seen)
    return "" if is_its_own else "has not registered in Redis yet"


def _announces(announced: Mapping[str, object], seen: Observed) -> bool:
    """Whether this service speaks, and not the one before it."""
    if seen.own_pid is not None:
        return announced.get("pid") == seen.own_pid
    # In every container the pid is the same small number, but no later one started earlier.
    started = announced.get("started_at")
    return seen.started_at is None or (isinstance(started, int | float) and started >= seen.started_at)


def redis_line(check: HealthCheck, command: str) -> str:
    """The first line of a simple answer, or the content of a string.

    Raises:
        OSError: Redis does not answer.
    """
    with closing(_connect(check)) as connection, connection.makefile("rb") as answers:
        connection.sendall(f"{command}\r\n".encode())
        line = bytes(answers.readline()).decode(errors="replace").strip()
        if line.startswith("$") and line != "$-1":
            line = bytes(answers.read(int(line[1:]))).decode(errors="replace")
    if not line:
        raise ConnectionResetError("closed the connection")
    return line


def _ask_postgres(check: HealthCheck, seen: Observed | None) -> str:
    """What pg_isready asks: would it let somebody log in?"""
    names = b"user\0labuser\0database\0labdb\0\0"
    with closing(_connect(check)) as connection:
        connection.sendall(struct.pack("!ii", len(names) + 8, _POSTGRES_PROTOCOL) + names)
        kind = connection.recv(1)
    return "" if kind == b"R" else "is starting up"


def _ask_http(check: HealthCheck, seen: Observed | None) -> str:
    connection = http.client.HTTPConnection(check.host, check.port, timeout=_ANSWER_SECONDS)
    with closing(connection):
        connection.request("GET", check.path)
        response = connection.getresponse()
        body = response.read()
    if response.status == http.client.OK:
        return ""
    return f"answers {response.status}{_detail(body)}"


def _detail(body: bytes) -> str:
    """What the API says is wrong: "redis down"."""
    try:
        said = json.loads(body).get("detail")
    except (ValueError, AttributeError):
        return ""
    return f" ({said})" if isinstance(said, str) and said else ""


_ASK: Final[Mapping[Protocol, Callable[[HealthCheck, Observed | None], str]]] = {
    "redis": _ask_redis,
    "worker": _ask_worker,
    "postgres": _ask_postgres,
    "http": _ask_http,
}
