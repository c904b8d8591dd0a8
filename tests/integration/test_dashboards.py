"""The dashboard's panels and Prometheus' rules, on a real Prometheus that scrapes a lab under load."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import pytest
import redis

from labctl.cli.reached import reached
from service.writebehind import keys
from stack.lab import Lab
from stack.package_files import asset_path
from stack.wait import wait_until
from tests.prometheus_server import Prometheus, running_prometheus

# One Prometheus for all of them.
pytestmark = pytest.mark.xdist_group("dashboards")

_BOARD: Final = asset_path("assets/grafana/provisioning/dashboards/write-behind.json")
_WIDGET: Final = {"name": "Widget", "price": 29.99, "quantity": 100}
_THROUGH: Final = {"X-Write-Policy": "write_through"}
#: What is zero as long as nothing is wrong: by panel, the legend.
_ZERO_HERE: Final = {("Worker Trouble", "{{class}}"), ("Failed Writes (Data Loss)", "lost")}


def _queries() -> list[tuple[str, str, str]]:
    """Panel, legend and expression of every query."""
    panels = json.loads(_BOARD.read_text())["panels"]
    return [
        (panel["title"], target["legendFormat"], target["expr"].replace("$__rate_interval", "8s"))
        for panel in panels
        for target in panel.get("targets", ())
    ]


@pytest.fixture(scope="module")
def prometheus(shared_local_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    list(shared_local_lab.up())
    urls = reached(shared_local_lab)
    targets = {
        "write-behind-api": [urls["api"]],
        "write-behind-worker": [url for name, url in urls.items() if name.startswith("worker-metrics")],
    }
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        yield prometheus


@contextmanager
def _api(lab: Lab, **settings: object) -> Iterator[httpx.Client]:
    """The API of the lab, which meanwhile has these settings. In the end there are no dead letters."""
    with httpx.Client(base_url=lab.urls()["api"], timeout=10, trust_env=False) as client:
        before = client.get("/admin/config").json()
        try:
            client.patch("/admin/config", json=settings).raise_for_status()
            yield client
        finally:
            changed = {name: before[name] for name in settings}
            client.patch("/admin/config", json=changed).raise_for_status()
            client.delete("/admin/dlq").raise_for_status()


def _play(api: httpx.Client) -> None:
    """A bit of everything: what is coalesced, read, written through, missing, refused, retried, given up."""
    product = api.post("/products", json=_WIDGET).json()["id"]
    for number in range(5):
        api.put(f"/products/{product}", json={**_WIDGET, "quantity": number})
        api.get(f"/products/{product}")
        api.post("/products", json=_WIDGET)
    api.post("/products", json=_WIDGET, headers=_THROUGH)
    api.get("/products/none")
    api.patch("/admin/config", json={"max_pending": 1, "write_coalescing_enabled": False})
    for number in range(3):
        api.put(f"/products/{product}", json={**_WIDGET, "quantity": number})
    api.patch("/admin/config", json={"max_pending": 100_000})
    for number in range(3):
        api.put(f"/products/{product}", json={**_WIDGET, "quantity": number})
    api.patch("/admin/config", json={"write_coalescing_enabled": True})


def test_every_panel_shows_something_of_a_lab_under_load(
    shared_local_lab: Lab, prometheus: Prometheus
) -> None:
    without_data = {(title, legend): expr for title, legend, expr in _queries()}
    still = dict(without_data)

    def all_seen() -> bool:
        _play(api)
        for key, expr in list(without_data.items()):
            values = prometheus.values(expr)
            if any(value == value for value in values):
                still.pop(key, None)
            if any(value > 0 for value in values) or (values and key in _ZERO_HERE):
                del without_data[key]
        return not without_data

    faults = {"simulate_db_failure": True, "failure_rate": 0.5, "max_retries": 1, "retry_delay_ms": 100}
    with _api(shared_local_lab, **faults, coalescing_window_ms=300) as api:
        try:
            wait_until(all_seen, seconds=90, reason="every panel has shown something", hint="", poll=0.1)
        except Exception as error:
            raise AssertionError(f"no data: {still}\nonly zeros: {without_data}") from error


def test_prometheus_reaches_all_its_targets_and_can_evaluate_all_its_rules(prometheus: Prometheus) -> None:
    def healthy() -> bool:
        rules = [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
        assert not [rule for rule in rules if rule["health"] == "err"]
        targets: list[dict[str, Any]] = prometheus.get("/api/v1/targets")["activeTargets"]
        up = {target["labels"]["job"] for target in targets if target["health"] == "up"}
        return all(rule["health"] == "ok" for rule in rules) and len(up) == 2

    wait_until(healthy, seconds=60, reason="all targets are up and all rules were evaluated", hint="")


def test_a_latency_leads_to_the_trace_of_a_request_and_a_lag_to_that_of_its_flush(
    shared_local_lab: Lab, prometheus: Prometheus
) -> None:
    """As Grafana asks for the points that it draws in a panel: with the panel's own query."""
    latency, lag = ([e for t, _, e in _queries() if t == title] for title in ("Write Latency", "Persist Lag"))
    trace_id = secrets.token_hex(16)
    traced = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}

    def all_lead_there() -> bool:
        # Each server process has exemplars of its own, and any of them may be asked.
        assert api.post("/products", json=_WIDGET, headers=traced).status_code == 201
        flushes = {span["trace_id"] for span in api.get(f"/traces/{trace_id}").json().get("linked", ())}
        return all(trace_id in prometheus.exemplars(expr) for expr in latency) and all(
            flushes & prometheus.exemplars(expr) for expr in lag
        )

    with _api(shared_local_lab, coalescing_window_ms=100) as api:
        wait_until(all_lead_there, seconds=60, reason="exemplars lead to the traces", hint="", poll=0.1)


def test_what_redis_loses_with_its_memory_is_counted(shared_local_lab: Lab, prometheus: Prometheus) -> None:
    (before,) = _settled(prometheus)
    list(shared_local_lab.pause("worker"))
    try:
        with _api(shared_local_lab) as api, redis.Redis.from_url(shared_local_lab.urls()["redis"]) as client:
            for _ in range(15):
                api.post("/products", json=_WIDGET)
            assert client.llen(keys.QUEUE) == 15
            client.flushall()
    finally:
        list(shared_local_lab.resume("worker"))
    wait_until(
        lambda: prometheus.values("write_behind:unaccounted_writes") == [before + 15],
        seconds=10,
        reason="15 writes more are not accounted for",
        hint=str(prometheus.values("write_behind:unaccounted_writes")),
    )


def _settled(prometheus: Prometheus) -> list[float]:
    """How many writes are not accounted for, once nothing is pending."""
    wait_until(
        lambda: prometheus.values("max_over_time(write_behind:pending_entries[3s])") == [0],
        seconds=20,
        reason="nothing is pending",
        hint="",
    )
    return prometheus.values("write_behind:unaccounted_writes")
