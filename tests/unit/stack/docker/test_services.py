"""What containers are given agrees with what other files, which are not written from it, say."""

from typing import Any

import pytest
import yaml

from service.writebehind.settings import Settings
from stack.docker.services import docker_specs
from stack.package_files import asset_path
from stack.spec.description import Service
from stack.spec.services import (
    API,
    DEFAULT_PORTS,
    JAEGER,
    K6,
    OBSERVABILITY_PORTS,
    PROMETHEUS,
    WORKER,
    WORKER_METRICS_PORT,
)
from stack.state.lab import LabState

_STATE = LabState(runtime="docker", ports={**DEFAULT_PORTS, **OBSERVABILITY_PORTS})


def _asset(name: str) -> Any:
    return yaml.safe_load(asset_path(f"assets/{name}").read_text())


@pytest.mark.parametrize("service", [PROMETHEUS, JAEGER], ids=lambda service: service.name)
def test_grafana_reads_from_the_services_of_the_lab(service: Service) -> None:
    sources = _asset("grafana/provisioning/datasources/datasources.yml")["datasources"]
    assert {each["type"]: each["url"] for each in sources}[service.name] == service.container_url()


def test_prometheus_scrapes_the_api_and_every_worker() -> None:
    jobs = {job["job_name"]: job for job in _asset("prometheus/prometheus.yml")["scrape_configs"]}
    api = jobs["write-behind-api"]["static_configs"][0]["targets"]
    assert api == [API.container_url().removeprefix("http://")]
    workers = jobs["write-behind-worker"]["dns_sd_configs"][0]
    assert (workers["names"], workers["type"]) == ([WORKER.name], "A")
    assert workers["port"] == WORKER_METRICS_PORT


def test_containers_reach_one_another_by_their_short_names() -> None:
    specs = docker_specs(_STATE, "image:of-the-lab")
    api, worker = (Settings.from_env(dict(specs[name].env)) for name in ("api", "worker"))
    assert api.redis_url == worker.redis_url == "redis://redis:6379/0"
    assert api.database_url == worker.database_url == "postgresql://labuser:labpass@postgres:5432/labdb"
    assert dict(K6.env)["BASE_URL"] == "http://api:8000"


def test_only_the_api_and_the_worker_run_the_image_of_the_lab() -> None:
    specs = docker_specs(_STATE, "image:of-the-lab")
    own = [
        name for name, spec in specs.items() if spec.container and spec.container.image == "image:of-the-lab"
    ]
    assert own == ["api", "worker"]


def test_health_is_asked_on_this_machine_as_the_user_of_the_lab() -> None:
    specs = docker_specs(_STATE, "image:of-the-lab")
    assert {spec.health.host for spec in specs.values()} == {"127.0.0.1"}
    health = specs["postgres"].health
    assert (health.user, health.database, health.port) == ("labuser", "labdb", 5432)
    # A worker listens nowhere: it announces itself in Redis.
    assert specs["worker"].health.port == specs["redis"].port


def test_how_health_is_asked_is_no_reason_to_start_a_service_anew() -> None:
    other = LabState(runtime="docker", ports={**_STATE.ports, "redis": 16379})
    before, after = (docker_specs(state, "image")["worker"] for state in (_STATE, other))
    assert before.health != after.health
    assert before.hash() == after.hash()


def test_a_container_has_as_long_to_become_healthy_as_its_own_probe_grants() -> None:
    seconds = {name: spec.health.seconds for name, spec in docker_specs(_STATE, "image").items()}
    assert seconds == {
        "redis": 20,
        "postgres": 60,
        "api": 20,
        "worker": 20,
        "prometheus": 20,
        "grafana": 60,
        "jaeger": 20,
    }


def test_without_observability_traces_go_no_further_than_the_api() -> None:
    plain = LabState(runtime="docker", ports=DEFAULT_PORTS, observability=False)
    specs = docker_specs(plain, "image")
    assert list(specs) == ["redis", "postgres", "api", "worker"]
    assert dict(specs["api"].env)["OTEL_EXPORTER_OTLP_ENDPOINT"] == ""
    assert dict(specs["worker"].env)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://api:8000"
    watched = docker_specs(_STATE, "image")
    assert dict(watched["api"].env)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://jaeger:4318"
