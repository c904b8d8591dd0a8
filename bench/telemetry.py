"""What it costs to be watched: the same server and the same worker, with and without."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.figures import Figure, ratio_of
from bench.load import post_load
from bench.requests import served
from stack.lab import Lab

_PAIRS: Final = 9
_SECONDS: Final = 2.0


def metrics_of_requests(lab: Lab) -> Iterator[Figure]:
    """POST /products with its metrics, against a server that counts nothing."""
    yield _throughput(lab, "POST /products, metrics on ÷ off", 0.95, {"metrics_enabled": True})


def _throughput(lab: Lab, title: str, least: float, watched: Mapping[str, object]) -> Figure:
    """Both servers are up all the time, and take turns; each of them is first as often as the other."""
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
        for pair in range(_PAIRS):
            for name in sorted(ports, reverse=bool(pair % 2)):
                rates[name].append(post_load(ports[name], seconds=_SECONDS).per_second)
    return ratio_of(title, rates["watched"], rates["plain"], "≥", least, unit="requests/s")
