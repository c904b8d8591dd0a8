"""What a write costs: POST /products against routes that do less, and a long queue against an empty one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median

import httpx
import redis

from bench.figures import Figure, ratio_of
from bench.load import Load, get_p50_ms, post_load
from service.writebehind import keys
from service.writebehind.settings import Settings
from stack.lab import Lab
from stack.ports import choose_free
from stack.wait import wait_until

_PAIRS = 7
_SECONDS = 2.0
_PENDING = 1_000_000
_ENTRY = (
    '{"id":"%s","name":"Demo Widget","price":29.99,"quantity":100,"created_at":"2026-01-01T00:00:00.000000Z",'
    '"updated_at":"2026-01-01T00:00:00.000000Z","version":%016d,"queued_at":%016d,"attempts":0,"writes":1}'
)


@contextmanager
def served(lab: Lab, **changes: object) -> Iterator[int]:
    """A server with the service and the ceilings, on the lab's databases; yields its port.

    Args:
        changes: Settings that differ from the default.
    """
    urls, (port,) = lab.urls(), choose_free(1)
    own = {"redis_url": urls["redis"], "database_url": urls["postgres"], "api_port": port}
    settings = Settings(max_pending=100_000_000).changed({**own, **changes}, live_only=False)
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


def throughput(lab: Lab) -> Iterator[Figure]:
    """POST /products, 8 connections, against both ceilings; the lab's worker flushes meanwhile."""
    with served(lab) as port:
        paths = {"no-op POST": "/bench/noop", "POST with a PING": "/bench/ping", "post": "/products"}
        loads: dict[str, list[Load]] = {name: [] for name in paths}
        for path in paths.values():
            post_load(port, path, seconds=0.5)
        for _ in range(_PAIRS):
            for name, path in paths.items():
                loads[name].append(post_load(port, path, seconds=_SECONDS))
        rates = {name: [load.per_second for load in each] for name, each in loads.items()}
        for ceiling, least in (("no-op POST", 0.35), ("POST with a PING", 0.55)):
            title = f"POST /products ÷ {ceiling}"
            figure = ratio_of(title, rates["post"], rates[ceiling], "≥", least, unit="requests/s")
            busy = median(load.busy for load in loads[ceiling])
            yield figure.with_detail(f"generator at work {busy:.0%} of the ceiling's time")


def long_queue(lab: Lab) -> Iterator[Figure]:
    """p50 of POST /products and GET /admin/queue with a million pending products, against an empty queue."""
    list(lab.stop("worker"))
    with served(lab) as port, redis.Redis.from_url(lab.urls()["redis"]) as client:
        client.config_set("maxmemory", "4gb")

        def measure() -> dict[str, float]:
            return {
                "POST /products": post_load(port, connections=1, seconds=1.0).p50_ms,
                "GET /admin/queue": get_p50_ms(port, "/admin/queue", seconds=1.0),
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
        for what in pairs[0][0]:
            yield ratio_of(
                f"{what} p50, {_PENDING:,} pending ÷ none",
                [filled[what] for filled, _ in pairs],
                [empty[what] for _, empty in pairs],
                "≤", 1.2, unit="ms",
            )  # fmt: skip
    list(lab.start("worker"))


def _fill(client: "redis.Redis") -> None:
    """Add pending entries as write.lua makes them, without running it a million times."""
    for first in range(0, _PENDING, 5000):
        ids = [f"p-{n:09d}" for n in range(first, first + 5000)]
        pipe = client.pipeline(transaction=False)
        pipe.hset(keys.PENDING, mapping={i: _ENTRY % (i, 10**15, 10**15) for i in ids})
        pipe.rpush(keys.QUEUE, *ids)
        pipe.execute()
