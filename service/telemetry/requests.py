"""Requests, counted by the process that answers them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, disable_created_metrics

from service.telemetry.exemplars import Exemplars
from service.telemetry.facts import CACHE_READS, METHODS, REFUSALS, Facts, outcome_of

#: Upper bounds in s: a write takes about a millisecond, and one that waits for a dead server some seconds.
LATENCY_BUCKETS: Final = (
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 5.0,
)  # fmt: skip

REQUESTS: Final = "write_behind_http_requests"
DURATION: Final = "write_behind_http_request_duration_seconds"
#: Writes that the API saw replace a pending one. Redis counts all such writes, so this is not exported: it is
#: what is still known of them if Redis loses its memory.
COALESCED: Final = "write_behind_seen_coalesced"


def without_creation_times() -> None:
    """Have prometheus-client export no `_created` series beside each other one."""
    disable: Callable[[], None] = disable_created_metrics
    disable()


class RequestMetrics:
    """Counts requests. Every label has a bounded number of values."""

    def __init__(self) -> None:
        without_creation_times()
        #: What this process counted. If it has a slot, what all counted is in the slots' files instead.
        self.registry = CollectorRegistry()
        self._requests = Counter(
            REQUESTS,
            "Requests that were answered",
            ("method", "route", "policy", "outcome"),
            registry=self.registry,
        )
        self._duration = Histogram(
            DURATION,
            "From the arrival of the whole request to its answer, the wait for a thread included",
            ("method", "route", "policy"),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        refused = Counter(
            "write_behind_refused", "Writes that were refused, by why", ("reason",), registry=self.registry
        )
        reads = Counter(
            "write_behind_cache_reads",
            "Reads of a product: found in the cache, among the pending writes, or not in Redis",
            ("result",),
            registry=self.registry,
        )
        self._coalesced = Counter(COALESCED, "Writes that replaced a pending one", registry=self.registry)
        # Each of them is there from the beginning, so that the first one is seen as an increase.
        self._refused = {reason: refused.labels(reason) for reason in REFUSALS}
        self._reads = {result: reads.labels(result) for result in CACHE_READS}
        self._exemplars = Exemplars(LATENCY_BUCKETS)
        self._children: dict[
            tuple[str, str, str, int], tuple[Callable[[], None], Callable[[float], None]]
        ] = {}

    def observe(self, method: str, facts: Facts, status: int, seconds: float) -> None:
        """A request was answered with this status, after this time."""
        key = (method, facts.route, facts.policy, status)
        count, observe = self._children.get(key) or self._add(key)
        count()
        observe(seconds)
        if facts.trace_id:
            labels = {"method": _known(method), "route": facts.route, "policy": facts.policy}
            self._exemplars.note(seconds, facts.trace_id, labels)
        if facts.coalesced:
            self._coalesced.inc()
        if facts.read is not None:
            self._reads[facts.read].inc()
        if facts.refusal is not None:
            self._refused[facts.refusal].inc()

    def exported(self, families: Iterable[Metric]) -> Iterator[Metric]:
        """What is told of what all server processes counted, with this process's own exemplars."""
        for family in families:
            if family.name == DURATION:
                yield self._exemplars.attached(family)
            elif family.name != COALESCED:
                yield family

    def _add(self, key: tuple[str, str, str, int]) -> tuple[Callable[[], None], Callable[[float], None]]:
        method, route, policy, status = key
        known = _known(method)
        child = (
            self._requests.labels(known, route, policy, outcome_of(status)).inc,
            self._duration.labels(known, route, policy).observe,
        )
        if known == method:
            # Looking children up takes as long as counting.
            self._children[key] = child
        return child


def _known(method: str) -> str:
    return method if method in METHODS else "other"


def acknowledged(families: Iterable[Metric]) -> dict[str, int]:
    """How many writes the server processes acknowledged, by the names of the write path's totals."""
    counts = {"accepted": 0, "written_through": 0, "coalesced": 0}
    names = {"write_behind": "accepted", "write_through": "written_through"}
    for family in families:
        for sample in family.samples:
            if family.name == COALESCED:
                counts["coalesced"] += int(sample.value)
            elif family.name == REQUESTS and sample.labels["outcome"] == "ok":
                name = names.get(sample.labels["policy"])
                if name:
                    counts[name] += int(sample.value)
    return counts
