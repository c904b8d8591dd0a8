"""Prometheus metrics. They are read from Redis when they are asked for, so every server process gives
the same, right answer."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.writebehind.overview import Overview

_TOTALS: Final = {
    "accepted": "Writes acknowledged from the cache",
    "coalesced": "Acknowledged writes that a later write of the same product replaced before the flush",
    "persisted": "Entries that reached PostgreSQL",
    "rows_written": "Rows that SQL inserted, updated or deleted",
    "batches": "SQL statements that flushed entries",
    "retried": "Attempts that failed and were scheduled again",
    "dead_lettered": "Entries in the dead letter queue or dropped from it",
    "written_through": "Writes committed to PostgreSQL before they were acknowledged",
}


class QueueCollector(Collector):
    """The write path's totals and sizes."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def describe(self) -> Iterator[Metric]:
        # Without it, registering would already ask Redis.
        return iter(())

    def collect(self) -> Iterator[Metric]:
        state = self._overview.queue()
        for name, text in _TOTALS.items():
            metric: Metric
            if name == "dead_lettered":
                # It falls when letters are put back, so it is no counter.
                metric = GaugeMetricFamily(f"write_behind_{name}", text, state.totals[name])
            else:
                metric = CounterMetricFamily(f"write_behind_{name}", text, state.totals[name])
            yield metric
        yield GaugeMetricFamily("write_behind_queue_size", "Dirty products", state.queue_size)
        yield GaugeMetricFamily("write_behind_inflight", "Claimed products", state.inflight)
        yield GaugeMetricFamily("write_behind_retrying", "Products waiting for a retry", state.retrying)
        yield GaugeMetricFamily("write_behind_dlq_size", "Dead letters", state.dlq_size)
        yield GaugeMetricFamily(
            "write_behind_oldest_age_seconds",
            "Age of the oldest unpersisted write",
            state.oldest_age_ms / 1000,
        )
