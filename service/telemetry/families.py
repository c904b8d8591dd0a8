"""Metrics that are read when they are asked for."""

from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.registry import Collector


class Families(Collector):
    """Families that are made anew for each request."""

    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._families = collect

    def describe(self) -> Iterator[Metric]:
        # Without this method, registering would already collect them.
        return iter(())

    def collect(self) -> Iterator[Metric]:
        return self._families()
