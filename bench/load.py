"""Puts a server under load with the generator of `labctl load`, and times single requests."""

import http.client
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Final

from scenarios.judge.ledger import Write
from scenarios.load.generator import LoadGenerator
from scenarios.load.http import request
from scenarios.load.profiles import Call
from scenarios.load.schedule import ClosedLoop, Shape

_HOST: Final = "127.0.0.1"
_BODY: Final = b'{"name": "Demo Widget", "price": 29.99, "quantity": 100}'


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one load."""

    per_second: float
    p50_ms: float
    p99_ms: float
    #: The share of its time that the generator was at work, 0 to 1. Near 1 it is the limit, not the server.
    busy: float


class _Posts:
    """A load's profile: one POST of a new product, over and over."""

    writes: Final = 1.0

    def __init__(self, path: str) -> None:
        self._call = Call(request("POST", path, _HOST, _BODY), "create", None, {})

    def next(self, client: int) -> Call:
        return self._call

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        """Every product is written once."""

    def gone(self, client: int, call: Call) -> None:
        """A new product is never gone."""


def post_load(port: int, path: str = "/products", *, connections: int = 8, seconds: float) -> Load:
    """POST a product in a closed loop.

    Args:
        port: Of a server on this machine. It answers each POST with a product, as POST /products does.
        connections: Requests under way at any time.
        seconds: How long the load lasts.

    Raises:
        RuntimeError: a request failed, so the figures mean nothing.
    """
    pace = ClosedLoop(Shape(seconds), connections)
    load = LoadGenerator((_HOST, port), _Posts(path), pace, _forget, connections=connections)
    load.run()
    counters, latencies = load.counters, load.latencies.percentiles()
    if counters.errors:
        raise RuntimeError(f"{counters.errors} of {counters.requests} requests to {path} failed")
    return Load(counters.requests / counters.elapsed, latencies.p50, latencies.p99, counters.busy)


def get_p50_ms(port: int, path: str, *, seconds: float) -> float:
    """The median time of a GET on one connection, one after the other, in ms.

    Raises:
        RuntimeError: the answer was not 200.
    """
    with closing(http.client.HTTPConnection(_HOST, port, timeout=10)) as connection:
        return 1000 * median(_times(connection, path, seconds))


def _times(connection: http.client.HTTPConnection, path: str, seconds: float) -> Iterator[float]:
    now = time.perf_counter()
    ends = now + seconds
    while now < ends:
        sent = now
        connection.request("GET", path)
        reply = connection.getresponse()
        reply.read()
        now = time.perf_counter()
        if reply.status != http.client.OK:
            raise RuntimeError(f"GET {path} was answered {reply.status}")
        yield now - sent


def _forget(write: Write) -> None:
    """Nothing is judged here, so no ledger is kept."""
