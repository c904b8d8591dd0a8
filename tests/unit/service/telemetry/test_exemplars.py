"""Exemplars: traced observations beside their buckets, in OpenMetrics."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import parser
from prometheus_client.registry import Collector

from service.telemetry.facts import Facts
from service.telemetry.requests import DURATION, RequestMetrics
from service.writebehind.scripts.flushing import Claim, Claimed
from worker.condition import Report
from worker.metrics import WorkerMetrics

_openmetrics: Callable[[str], Iterable[Metric]] = parser.text_string_to_metric_families
_TRACE = "0af7651916cd43dd8448eb211c80319c"


class _Exported(Collector):
    """What an API exports of its requests."""

    def __init__(self, requests: RequestMetrics) -> None:
        self._requests = requests

    def collect(self) -> Iterable[Metric]:
        return self._requests.exported(self._requests.registry.collect())


def _exemplars(registry: CollectorRegistry) -> dict[tuple[str, str], tuple[float, str]]:
    """By metric and upper bound: the value and its trace."""
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    return {
        (sample.name.removesuffix("_bucket"), sample.labels["le"]): (
            sample.exemplar.value,
            sample.exemplar.labels["trace_id"],
        )
        for family in _openmetrics(encode(registry).decode())
        for sample in family.samples
        if sample.exemplar
    }


def test_a_traced_request_is_the_exemplar_of_its_bucket() -> None:
    requests, registry = RequestMetrics(), CollectorRegistry()
    registry.register(_Exported(requests))
    write = Facts(route="/products", policy="write_behind")
    requests.observe("POST", write, 201, 0.003)
    assert _exemplars(registry) == {}
    write.trace_id = _TRACE
    requests.observe("POST", write, 201, 0.003)
    requests.observe("POST", write, 201, 99)
    assert _exemplars(registry) == {(DURATION, "0.004"): (0.003, _TRACE), (DURATION, "+Inf"): (99, _TRACE)}


def test_a_traced_flush_is_the_exemplar_of_what_it_took() -> None:
    metrics = WorkerMetrics(Report, str, lambda: _TRACE)
    now = 1_800_000_000_000_000
    rows = tuple(Claimed(f"p{number}", now - number * 10**6, b"") for number in range(3))
    claim = Claim(now, rows, None)
    metrics.claimed(claim, 0.001)
    metrics.wrote(0.02)
    metrics.committed(claim, rows)
    metrics.acknowledged(3, 3, 0.001)
    metrics.flushed(claim, 0.03)
    found = _exemplars(metrics.registry)
    assert found["write_behind_sql_duration_seconds", "0.025"] == (0.02, _TRACE)
    assert found["write_behind_flush_duration_seconds", "0.05"] == (0.03, _TRACE)
    lag, trace = found["write_behind_persist_lag_seconds", "3.0"]
    assert (2 <= lag < 3, trace) == (True, _TRACE)
