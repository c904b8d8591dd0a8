"""A histogram of many values at once."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from math import isinf

from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class Spread(Collector):
    """A histogram that takes many values at once, for which prometheus-client would take as many calls."""

    def __init__(self, name: str, description: str, bounds: Iterable[float]) -> None:
        self._name, self._description = name, description
        self._bounds = (*bounds, float("inf"))
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0
        self._lock = threading.Lock()

    def add(self, values: Iterable[float]) -> None:
        """Take these values in."""
        bounds = self._bounds
        held = list(values)
        added = Counter(bisect_left(bounds, value) for value in held)
        with self._lock:
            self._sum += sum(held)
            for index, count in added.items():
                self._counts[index] += count

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            counts, total = list(self._counts), self._sum
        buckets, below = [], 0
        for bound, count in zip(self._bounds, counts, strict=True):
            below += count
            buckets.append(("+Inf" if isinf(bound) else repr(bound), below))
        yield HistogramMetricFamily(self._name, self._description, buckets=buckets, sum_value=total)
