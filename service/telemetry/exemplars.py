"""Traced observations that stand for the others of their bucket: from a latency to a trace that shows why.

prometheus-client keeps exemplars only where it keeps values in memory. Those of the API's requests are kept
here, so each server process tells its own; Prometheus, which asks one now and another then, gathers them.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.samples import Exemplar

#: The labels of a bucket, `le` included.
_Bucket = frozenset[tuple[str, str]]


class Exemplars:
    """The newest exemplar of each bucket of one histogram."""

    def __init__(self, bounds: Iterable[float]) -> None:
        """
        Args:
            bounds: The upper bounds of the buckets but the last, in ascending order.
        """
        self._bounds = tuple(bounds)
        self._held: dict[_Bucket, Exemplar] = {}
        self._lock = threading.Lock()

    def note(self, value: float, trace_id: str, labels: Mapping[str, str]) -> None:
        """This value was observed while a request or a flush was traced."""
        exemplar = Exemplar({"trace_id": trace_id}, value, time.time())
        with self._lock:
            self._held[frozenset({**labels, "le": self._bound(value)}.items())] = exemplar

    def attached(self, family: Metric) -> Metric:
        """The histogram with its exemplars, which only OpenMetrics shows."""
        with self._lock:
            held = dict(self._held)
        if held:
            family.samples = [
                sample._replace(exemplar=held[bucket])
                if (bucket := frozenset(sample.labels.items())) in held
                else sample
                for sample in family.samples
            ]
        return family

    def _bound(self, value: float) -> str:
        index = bisect_left(self._bounds, value)
        return str(self._bounds[index]) if index < len(self._bounds) else "+Inf"
