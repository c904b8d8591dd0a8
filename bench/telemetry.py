"""What it costs to be watched: the same server and the same worker, with and without."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import psycopg
import redis

from bench.figures import Figure, in_turns, ratio_of
from bench.flushing import backlog, clear, worker_rate
from bench.load import post_load
from bench.requests import served
from scenarios.lab.context import Run
from stack.lab import Lab

_PAIRS: Final = 9
_SECONDS: Final = 2.0
_FLUSHES: Final = 5


def metrics_of_requests(lab: Lab) -> Iterator[Figure]:
    """POST /products with its metrics, against a server that counts nothing."""
    yield requests_watched(lab, "POST /products, metrics on ÷ off", 0.95, {"metrics_enabled": True})


def metrics_of_flushes(lab: Lab) -> Iterator[Figure]:
    """Rows that one worker flushes with its metrics, against a worker that measures nothing."""
    yield flushes_watched(lab, "rows flushed, metrics on ÷ off", 0.9, {"METRICS_ENABLED": "true"})


def flushes_watched(
    lab: Lab,
    title: str,
    least: float,
    watched: Mapping[str, str],
    entries: Callable[[str], list[str]] = backlog,
) -> Figure:
    """Rows that one worker flushes with these variables, against one that measures and traces nothing.

    Args:
        entries: The backlog, whose ids begin with the prefix that it is given.
    """
    plain = {"METRICS_ENABLED": "false", "OTEL_SDK_DISABLED": "true"}
    rates: dict[str, list[float]] = {"watched": [], "plain": []}
    with (
        psycopg.connect(lab.urls()["postgres"], autocommit=True) as connection,
        redis.Redis.from_url(lab.urls()["redis"]) as client,
    ):
        for pair, name in in_turns(rates, _FLUSHES):
            list(lab.up({**plain, **(watched if name == "watched" else {})}))
            with Run(lab) as run:
                rates[name].append(worker_rate(lab, run, client, entries(f"{name}-{pair}")))
            clear(connection)
    list(lab.up({"METRICS_ENABLED": "true", "OTEL_SDK_DISABLED": "false"}))
    return ratio_of(title, rates["watched"], rates["plain"], "≥", least, unit="rows/s")


def requests_watched(lab: Lab, title: str, least: float, watched: Mapping[str, object]) -> Figure:
    """POST /products with these settings, against a server that counts and traces nothing.

    Both are up all the time, and take turns.
    """
    plain = {"metrics_enabled": False, "otel_sdk_disabled": True}
    rates: dict[str, list[float]] = {"watched": [], "plain": []}
    with tempfile.TemporaryDirectory(prefix="labctl-bench-") as directory, ExitStack() as servers:
        ports = {
            name: servers.enter_context(
                served(lab, telemetry_dir=str(Path(directory) / name), **{**plain, **settings})
            )
            for name, settings in (("watched", watched), ("plain", {}))
        }
        for port in ports.values():
            post_load(port, seconds=0.5)
        for _, name in in_turns(ports, _PAIRS):
            rates[name].append(post_load(ports[name], seconds=_SECONDS).per_second)
    return ratio_of(title, rates["watched"], rates["plain"], "≥", least, unit="requests/s")
