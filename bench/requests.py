"""What a write costs: POST /products against routes that do less, and with a long queue against none."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import redis

from bench.figures import Figure, ratio_of
from bench.http import Load, get, post, run_load
from service.writebehind import keys
from service.writebehind.settings import Settings
from stack.lab import Lab
from stack.ports import choose_free
from stack.wait import wait_until

_BODY = b'{"name": "Demo Widget", "price": 29.99, "quantity": 100}'
_PAIRS = 7
_SECONDS = 2.0
_PENDING = 1_000_000
_ENTRY = (
    '{"id":"%s","name":"Demo Widget","price":29.99,"quantity":100,"created_at":"2026-01-01T00:00:00.000000Z",'
    '"updated_at":"2026-01-01T00:00:00.000000Z","version":%016d,"queued_at":%016d,"attempts":0}'
)


@contextmanager
def served(lab: Lab) -> Iterator[int]:
    """A server with the service and its ceilings, on the lab's databases; yields its port."""
    urls, (port,) = lab.urls(), choose_free(1)
    settings = Settings(
        redis_url=urls["redis"], database_url=urls["postgres"], api_port=port, max_pending=100_000_000
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.app"],
        env={**os.environ, **settings.to_env()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def answers() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200
        return False

    try:
        wait_until(answers, seconds=15, reason="the measured server answers", hint="run python -m bench.app")
        yield port
    finally:
        server.terminate()
        server.wait(timeout=15)


def _load(port: int, request: bytes, *, connections: int = 8, seconds: float = _SECONDS) -> Load:
    load = run_load(port, lambda _: request, connections=connections, seconds=seconds)
    if load.errors:
        raise RuntimeError(f"{load.errors} requests failed: {request[:60]!r}")
    return load


def throughput(lab: Lab) -> Iterator[Figure]:
    """POST /products, 8 connections, against both ceilings; the lab's worker flushes meanwhile."""
    with served(lab) as port:
        names = {"noop": "/bench/noop", "ping": "/bench/ping", "post": "/products"}
        rates: dict[str, list[float]] = {name: [] for name in names}
        for path in names.values():
            _load(port, post(path, _BODY), seconds=0.5)
        for _ in range(_PAIRS):
            for name, path in names.items():
                rates[name].append(_load(port, post(path, _BODY)).per_second)
        unit = "requests/s"
        yield ratio_of("POST /products ÷ no-op POST", rates["post"], rates["noop"], "≥", 0.35, unit=unit)
        yield ratio_of(
            "POST /products ÷ POST with a PING", rates["post"], rates["ping"], "≥", 0.55, unit=unit
        )


def long_queue(lab: Lab) -> Iterator[Figure]:
    """p50 of a POST and of GET /admin/queue with a million pending products, against none."""
    list(lab.stop("worker"))
    with served(lab) as port, redis.Redis.from_url(lab.urls()["redis"]) as client:
        client.config_set("maxmemory", "4gb")
        requests = {"POST /products": post("/products", _BODY), "GET /admin/queue": get("/admin/queue")}

        def measure() -> dict[str, float]:
            return {
                what: _load(port, request, connections=1, seconds=1.0).p50_ms
                for what, request in requests.items()
            }

        pairs: list[tuple[dict[str, float], dict[str, float]]] = []
        for _ in range(3):
            client.flushall()
            measure()
            without = measure()
            _fill(client)
            measure()
            pairs.append((measure(), without))
        client.flushall()
        for what in requests:
            yield ratio_of(
                f"{what} p50, {_PENDING:,} pending ÷ none",
                [filled[what] for filled, _ in pairs],
                [empty[what] for _, empty in pairs],
                "≤", 1.2, unit="ms",
            )  # fmt: skip
    list(lab.start("worker"))


def _fill(client: "redis.Redis") -> None:
    """Pending entries as the write script makes them, without going through it a million times."""
    for first in range(0, _PENDING, 5000):
        ids = [f"p-{n:09d}" for n in range(first, first + 5000)]
        pipe = client.pipeline(transaction=False)
        pipe.hset(keys.PENDING, mapping={i: _ENTRY % (i, 10**15, 10**15) for i in ids})
        pipe.rpush(keys.QUEUE, *ids)
        pipe.execute()
