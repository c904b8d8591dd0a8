"""What stands beside a lab in Docker: Prometheus reads all of it, and Grafana has what it needs.

Where no registry can be reached, Grafana's image is a stand-in that only answers. What it is given is
compared with its documented formats in tests/unit/dashboards and tests/unit/scenarios/marks.
"""

import json
from typing import Any

import httpx
import pytest

from stack.lab import Lab
from stack.spec.services import GRAFANA
from stack.wait import wait_until
from tests.integration.runs import play

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def _ask(lab: Lab, path: str) -> Any:
    answer = httpx.get(lab.urls()["prometheus"] + path, timeout=10, trust_env=False).json()
    assert answer["status"] == "success", answer
    return answer["data"]


def _up(lab: Lab) -> set[str]:
    """The jobs that Prometheus reaches."""
    targets = _ask(lab, "/api/v1/targets")["activeTargets"]
    return {target["labels"]["job"] for target in targets if target["health"] == "up"}


def _firing(lab: Lab) -> set[str]:
    return {
        alert["labels"]["alertname"]
        for alert in _ask(lab, "/api/v1/alerts")["alerts"]
        if alert["state"] == "firing"
    }


def test_prometheus_reads_all_of_the_lab_and_grafana_has_the_dashboard(docker_lab: Lab) -> None:
    list(docker_lab.up())
    wait_until(
        lambda: _up(docker_lab) == {"write-behind-api", "write-behind-worker", "prometheus"},
        seconds=20,
        reason="all of Prometheus' targets are up",
        hint=str(_ask(docker_lab, "/api/v1/targets")),
    )
    (group,) = _ask(docker_lab, "/api/v1/rules")["groups"]
    assert {rule["type"] for rule in group["rules"]} == {"recording", "alerting"}
    folder = GRAFANA.container.mounts[0].target
    board = docker_lab.exec("grafana", ["cat", f"{folder}/dashboards/write-behind.json"]).stdout
    assert json.loads(board)["title"] == "Write-Behind Cache Dashboard"

    played = play(docker_lab, "basics")
    assert played.end.outcome == "expected"

    list(docker_lab.stop("worker"))
    wait_until(
        lambda: "WorkerGone" in _firing(docker_lab),
        seconds=30,
        reason="Prometheus raises the alert that no worker runs",
        hint=str(_ask(docker_lab, "/api/v1/targets")),
    )
    list(docker_lab.start("worker"))
    wait_until(
        lambda: "write-behind-worker" in _up(docker_lab) and "WorkerGone" not in _firing(docker_lab),
        seconds=30,
        reason="the new worker is found and the alert is over",
        hint=str(_ask(docker_lab, "/api/v1/targets")),
    )
