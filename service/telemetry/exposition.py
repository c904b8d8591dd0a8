"""The API's /metrics. Every server process gives the same answer, and none waits for a Redis that hangs."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder

from service.health import Question
from service.telemetry.families import Families
from service.telemetry.requests import RequestMetrics, acknowledged
from service.telemetry.slots import values_in
from service.telemetry.totals import LastingTotals, Look
from service.writebehind.overview import Overview, QueueState
from service.writebehind.totals import FALLING, TOTALS, counts
from service.writebehind.workers import State

#: How long an answer of Redis may take; after that it counts as down.
_ANSWER_TIMEOUT_S: Final = 0.5
#: How often the totals are looked at even if nothing scrapes them. What was counted since the last look may
#: go with Redis' memory.
_LOOK_INTERVAL_S: Final = 0.5
#: How often it looks at the totals, if other processes do so at the same time.
_LOOKS: Final = 5
_STATES: Final = get_args(State)


@dataclass(frozen=True, slots=True)
class _Path:
    """The write path at one moment."""

    totals: Mapping[str, int]
    state: QueueState


class Exposition:
    """Everything that an API tells Prometheus."""

    def __init__(self, overview: Overview, requests: RequestMetrics | None, slots: Path | None) -> None:
        """
        Args:
            requests: What this process counts; None if it counts nothing.
            slots: Where all processes count; None if this is the only one.
        """
        self._overview = overview
        self._requests = requests
        self._slots = slots
        self._totals = LastingTotals(slots)
        self._question = Question("metrics", self._ask)
        self._lookout = Question("totals", self._look_if_due, every=_LOOK_INTERVAL_S)
        self._registry = CollectorRegistry()
        self._registry.register(Families(self._collect))

    def text(self, accept: str) -> tuple[bytes, str]:
        """The metrics and their content type, in the format that this Accept header prefers."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def watch(self) -> None:
        """Look at the totals from now on, even while nothing scrapes them."""
        self._lookout.want()

    def close(self) -> None:
        """End the threads that ask Redis."""
        self._lookout.close()
        self._question.close()

    def _collect(self) -> Iterator[Metric]:
        self._question.want()
        if self._requests:
            yield from self._requests.exported(self._counted())
        answer = self._question.answer(time.monotonic() + _ANSWER_TIMEOUT_S)
        path: _Path | None = answer.value
        yield GaugeMetricFamily(
            "write_behind_redis_up", "Whether Redis answers: 0 or 1", int(path is not None)
        )
        yield from _totals(path.totals if path else self._totals.told())
        if path:
            yield from _sizes(path.state)

    def _counted(self) -> list[Metric]:
        """What the server processes counted."""
        if self._requests is None:
            return []
        return values_in(self._slots) if self._slots else list(self._requests.registry.collect())

    def _ask(self) -> _Path:
        for _ in range(_LOOKS):
            if self._look():
                break
        return _Path(self._totals.told(), self._overview.queue())

    def _look_if_due(self) -> None:
        if self._totals.age() >= _LOOK_INTERVAL_S:
            self._look()

    def _look(self) -> bool:
        """Look at the totals; return whether no other process looked at the same time."""
        # What the processes know must be older than what Redis says (see `Carried.add`).
        known = acknowledged(self._counted())
        began = time.monotonic()
        counted = self._overview.counted()
        totals = {name: count for name, count in counts(counted.totals) if name not in FALLING}
        look = Look(
            began=began,
            ended=time.monotonic(),
            memory=counted.memory,
            totals=totals,
            workers=counted.done,
        )
        return self._totals.add(look, known)


def _totals(totals: Mapping[str, int]) -> Iterator[Metric]:
    for name, description in TOTALS.items():
        if name not in FALLING:
            yield CounterMetricFamily(f"write_behind_{name}", description, totals.get(name, 0))


def _sizes(state: QueueState) -> Iterator[Metric]:
    for name in FALLING:
        yield _gauge(name, TOTALS[name], dict(counts(state.totals))[name])
    yield _gauge("queue_size", "Products that wait for a flush", state.queue_size)
    yield _gauge("inflight", "Products that a worker has claimed", state.inflight)
    yield _gauge("retrying", "Products that wait for another attempt", state.retrying)
    yield _gauge("backlog", "Older writes, kept while coalescing is off", state.backlog)
    yield _gauge("dlq_size", "Dead letters", state.dlq_size)
    yield _gauge("oldest_age_seconds", "Age of the oldest unpersisted write", state.oldest_age_ms / 1000)
    yield _gauge(
        "oldest_due_age_seconds",
        "How long the oldest write that is due has been due",
        state.oldest_due_ms / 1000,
    )
    exposed = state.exposed
    yield _gauge("exposed_writes", "Acknowledged writes that only Redis has", exposed.writes)
    yield _gauge("exposed_products", "Products with such writes", exposed.products)
    yield _gauge("exposed_seconds", "Age of the oldest of them", exposed.seconds)
    workers = GaugeMetricFamily(
        "write_behind_workers", "Workers that are alive, by what they do", labels=("state",)
    )
    for each in _STATES:
        workers.add_metric((each,), sum(worker.state == each for worker in state.workers))
    yield workers


def _gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(f"write_behind_{name}", description, value)
