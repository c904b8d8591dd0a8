"""Asks services, each in its own protocol, whether they are ready to work and get their work done.

It uses bare sockets: importing a client library would take longer than asking.
"""

import http.client
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from typing import Final

from service.writebehind.workers import WorkerState
from stack.converge.flushing import condition
from stack.redis_wire import ANSWER_SECONDS, Refused, ask, connect
from stack.spec.runtime import Observed, Reach
from stack.spec.service import HealthCheck, ProbeKind, ServiceSpec

_CHUNK_BYTES: Final = 4096
#: Version 3.0 of PostgreSQL's protocol.
_POSTGRES_PROTOCOL: Final = 196_608


def probe(check: HealthCheck, seen: Observed | None = None) -> str:
    """Why the service is not ready, for a sentence ("is starting up"); '' if it is ready.

    Args:
        check: What to ask, and where.
        seen: The service as observed, if it was: what the process before it announced does not count.
    """
    try:
        return _ASK[check.protocol](check, seen)
    except TimeoutError:
        return "does not answer"
    except (OSError, http.client.HTTPException, ValueError) as error:
        refused = isinstance(error, ConnectionError)
        return "accepts no connections yet" if refused else f"does not answer properly ({error})"


def reach(check: HealthCheck, seconds: float = ANSWER_SECONDS) -> Reach:
    """What a client meets on the port. Any answer counts, also one that says that the service is not ready.

    Args:
        seconds: How long an answer may take.
    """
    try:
        with closing(connect(check, seconds)) as connection:
            connection.sendall(_greeting(check))
            answer = connection.recv(1)
            if check.protocol == "postgres":
                _part(connection)
            return "answers" if answer else "refused"
    except TimeoutError:
        return "silent"
    except OSError:
        return "refused"


def _greeting(check: HealthCheck) -> bytes:
    """What the service answers at once, whatever else may be away."""
    match check.protocol:
        case "redis" | "worker":
            return b"PING\r\n"
        case "postgres":
            return _startup(check)
        case "http":
            return f"GET / HTTP/1.1\r\nHost: {check.host}\r\nConnection: close\r\n\r\n".encode()


def trouble(check: HealthCheck) -> str:
    """Why a service that is ready does not get its work done, for a sentence; '' if it does, or if that can't
    be found out."""
    find = _TROUBLE.get(check.protocol)
    if find is None:
        return ""
    try:
        return find(check)
    except (OSError, http.client.HTTPException, ValueError):
        return ""


def with_health(spec: ServiceSpec, seen: Observed | None) -> Observed:
    """A service as observed, with its health: whether it is ready, and whether it gets its work done."""
    if seen is None:
        return Observed(service=spec.name, state="missing")
    if seen.state != "running":
        return seen
    lack = probe(spec.health, seen)
    if lack and (what := _takes_writes(spec.health, lack)):
        return replace(seen, state="healthy", detail=what)
    if lack:
        young = seen.started_at is not None and time.time() - seen.started_at < spec.health.seconds
        return replace(seen, state="starting" if young else "unhealthy", detail=lack)
    what = trouble(spec.health)
    return replace(seen, state="unhealthy" if what else "healthy", detail=what or _remark(spec.health))


def _remark(check: HealthCheck) -> str:
    """What to say about a healthy service: that its worker is suspended."""
    if check.protocol != "worker":
        return ""
    with suppress(OSError, ValueError):
        return next((w.trouble() for w in condition(check).workers if w.state == "suspended"), "")
    return ""


def with_health_of_all(
    specs: Mapping[str, ServiceSpec], observed: Mapping[str, Observed]
) -> dict[str, Observed]:
    """`with_health` for all services at once: each may take a second not to answer."""
    with ThreadPoolExecutor(max_workers=len(specs)) as pool:
        seen = pool.map(lambda spec: with_health(spec, observed.get(spec.name)), specs.values())
        return dict(zip(specs, seen, strict=True))


def _ask_redis(check: HealthCheck, seen: Observed | None) -> str:
    (answer,) = ask(check, ("PING",))
    return "" if answer == b"PONG" else f"answers {str(answer)!r}"


def _ask_worker(check: HealthCheck, seen: Observed | None) -> str:
    try:
        workers = condition(check).workers
    except Refused as error:
        return f"Redis answers {str(error)!r}"
    except (OSError, ValueError):
        return "can't register: Redis does not answer"
    is_there = any(seen is None or _speaks(worker, seen) for worker in workers)
    return "" if is_there else "has not registered in Redis yet"


def _speaks(worker: WorkerState, seen: Observed) -> bool:
    """Whether this worker is the observed service, and not the one before it."""
    if seen.own_pid is not None:
        return worker.pid == seen.own_pid
    # The pid is the same in every container, but a later one never started earlier.
    return seen.started_at is None or worker.started_at >= seen.started_at


def _is_full(check: HealthCheck) -> str:
    # A script that could write, but does not: Redis refuses it exactly when it would refuse a write.
    (answer,) = ask(check, ("EVAL", "#!lua\nreturn 1", 0))
    if isinstance(answer, Refused) and str(answer).startswith("OOM"):
        return "is full: it takes no writes until the worker has made room, or it has more memory"
    return ""


def _ask_postgres(check: HealthCheck, seen: Observed | None) -> str:
    """Asks as pg_isready does: would it let this user log in?"""
    with closing(connect(check)) as connection:
        connection.sendall(_startup(check))
        kind = connection.recv(1)
        _part(connection)
    return "" if kind == b"R" else "is starting up"


def _part(connection: socket.socket) -> None:
    """Read what still comes until the service closes its end. A connection that is closed with something
    unread is reset, and PostgreSQL logs that."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(_CHUNK_BYTES):
            pass


def _startup(check: HealthCheck) -> bytes:
    names = f"user\0{check.user}\0database\0{check.database}\0\0".encode()
    return struct.pack("!ii", len(names) + 8, _POSTGRES_PROTOCOL) + names


def _ask_http(check: HealthCheck, seen: Observed | None) -> str:
    status, body = _get(check)
    if status == http.client.OK:
        return ""
    detail = body.get("detail")
    return f"answers {status}" + (f" ({detail})" if isinstance(detail, str) and detail else "")


def _writes(check: HealthCheck) -> Mapping[str, object]:
    """What the API reports about accepting writes."""
    writes = _get(check)[1].get("writes")
    return writes if isinstance(writes, dict) else {}


def _takes_writes(check: HealthCheck, lack: str) -> str:
    """What to say about an unready API that still accepts writes, as it does without PostgreSQL; else ''."""
    if check.protocol != "http" or not lack.startswith(f"answers {http.client.SERVICE_UNAVAILABLE}"):
        return ""
    try:
        _, body = _get(check)
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    down, *_ = str(body.get("detail", "")).split(";")
    return f"takes writes, with {down}" if body.get("writes") == {"status": "taken"} else ""


def _refuses_writes(check: HealthCheck) -> str:
    writes = _writes(check)
    return f"refuses writes: {writes.get('detail')}" if writes.get("status") == "refused" else ""


def _get(check: HealthCheck) -> tuple[int, Mapping[str, object]]:
    """The status, and the JSON object in the body; an empty one if there is none."""
    connection = http.client.HTTPConnection(check.host, check.port, timeout=ANSWER_SECONDS)
    with closing(connection):
        connection.request("GET", check.path)
        response = connection.getresponse()
        body = response.read()
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    return response.status, content if isinstance(content, dict) else {}


_ASK: Final[Mapping[ProbeKind, Callable[[HealthCheck, Observed | None], str]]] = {
    "redis": _ask_redis,
    "worker": _ask_worker,
    "postgres": _ask_postgres,
    "http": _ask_http,
}
_TROUBLE: Final[Mapping[ProbeKind, Callable[[HealthCheck], str]]] = {
    "redis": _is_full,
    "worker": lambda check: condition(check).trouble(),
    "http": _refuses_writes,
}
