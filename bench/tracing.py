"""What it costs to trace: the same server and the same worker, with and without."""

import os
from collections.abc import Iterator
from typing import Final

from bench.figures import Figure
from bench.flushing import backlog
from bench.telemetry import flushes_watched, requests_watched
from stack.lab import Lab

#: One entry in so many is traced.
_ONE_IN: Final = 100
_TRACEPARENT: Final = ',"traceparent":"00-%s-%s-01"}'


def traces_of_requests(lab: Lab) -> Iterator[Figure]:
    """POST /products with a share of its requests traced, against a server that traces none."""
    for share, title, least in ((0.01, "1 % traced", 0.95), (1.0, "all traced", 0.6)):
        watched = {"otel_sdk_disabled": False, "otel_traces_sampler_arg": share}
        yield requests_watched(lab, f"POST /products, {title} ÷ off", least, watched)


def traces_of_flushes(lab: Lab) -> Iterator[Figure]:
    """Rows that one worker flushes, with metrics and 1 % of the entries traced, against one without."""
    watched = {"METRICS_ENABLED": "true", "OTEL_SDK_DISABLED": "false"}
    title = "rows flushed, metrics on and 1 % traced ÷ off"
    yield flushes_watched(lab, title, 0.9, watched, _traced_backlog)


def _traced_backlog(prefix: str) -> list[str]:
    return [
        entry if n % _ONE_IN else entry[:-1] + _TRACEPARENT % (os.urandom(16).hex(), os.urandom(8).hex())
        for n, entry in enumerate(backlog(prefix))
    ]
