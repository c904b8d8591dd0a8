"""Prometheus metrics. Each request for them reads Redis, so every server process gives the same answer."""

from collections.abc import Iterator, Mapping
from typing import cast

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.writebehind.overview import Overview
from service.writebehind.totals import TOTALS


class QueueCollector(Collector):
    """The write path's totals and sizes."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def describe(self) -> Iterator[Metric]:
        # Without this method, registering would already ask Redis.
        return iter(())

    def collect(self) -> Iterator[Metric]:
        state = self._overview.queue()
        for name, count in cast("Mapping[str, int]", state.totals).items():
            # Dead letters get fewer when some are put back, so their total is not a counter.
            family = GaugeMetricFamily if name == "dead_lettered" else CounterMetricFamily
            yield family(f"write_behind_{name}", TOTALS[name], count)
        yield GaugeMetricFamily("write_behind_queue_size", "Dirty products", state.queue_size)
        yield GaugeMetricFamily("write_behind_inflight", "Claimed products", state.inflight)
        yield GaugeMetricFamily("write_behind_retrying", "Products waiting for a retry", state.retrying)
        yield GaugeMetricFamily("write_behind_dlq_size", "Dead letters", state.dlq_size)
        yield GaugeMetricFamily(
            "write_behind_oldest_age_seconds",
            "Age of the oldest unpersisted write",
            state.oldest_age_ms / 1000,
        )
