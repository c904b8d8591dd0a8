"""compose.yaml says what the specification says."""

from typing import Any

import pytest
import yaml

from stack.docker.build_context import context_files
from stack.docker.compose import dump, render
from stack.package_files import compose_file

_DOCUMENT: dict[str, Any] = yaml.safe_load(render())
_SERVICES: dict[str, dict[str, Any]] = _DOCUMENT["services"]


def test_the_file_is_what_the_specification_renders() -> None:
    assert compose_file().read_text() == render(), "run: python -m stack.docker.compose > stack/compose.yaml"


def test_it_has_all_eight_services() -> None:
    names = ("redis", "postgres", "api", "worker", "prometheus", "grafana", "jaeger", "k6")
    assert set(_SERVICES) == {f"lab42-{name}" for name in names}
    assert _SERVICES["lab42-k6"]["profiles"] == ["loadtest"]


def test_the_project_is_called_as_the_lab() -> None:
    assert "COMPOSE_PROJECT_NAME=lab42" in compose_file().with_name(".env").read_text()


@pytest.mark.parametrize("name", sorted(_SERVICES))
def test_every_service_is_hardened(name: str) -> None:
    service = _SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # Redis refuses writes at a limit of its own; at one of the container it would be killed.
    assert ("mem_limit" in service) == (name != "lab42-redis")
    assert service["pids_limit"] > 0
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert not service.get("cap_add") or name == "lab42-postgres"
    assert "latest" not in service["image"]


def test_the_well_known_ports_are_those_of_the_lab() -> None:
    ports = [port for service in _SERVICES.values() for port in service.get("ports", ())]
    assert sorted(int(port.split(":")[1]) for port in ports) == [3001, 5432, 6379, 8000, 9090, 16686]


def test_a_setting_of_the_environment_reaches_the_worker() -> None:
    environment = _SERVICES["lab42-worker"]["environment"]
    assert environment["SIMULATE_DB_FAILURE"] == "${SIMULATE_DB_FAILURE:-false}"
    assert environment["REDIS_URL"] == "redis://redis:6379/0"


@pytest.mark.parametrize(
    "text", ["6379", "1e3", "0o17", ".5", "+1", "12:30:00", "no", "true", "null", "~", ""]
)
def test_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    written = dump({"text": text})
    assert yaml.safe_load(written) == {"text": text}
    assert written[len("text: ")] in "'\""


def test_the_context_of_the_image_holds_what_its_dockerfile_copies() -> None:
    names = {name for name, _ in context_files()}
    assert {"stack/assets/Dockerfile", "stack/assets/requirements.txt"} <= names
    assert {"service/__main__.py", "service/writebehind/schema.sql", "worker/__main__.py"} <= names
    assert not any("__pycache__" in name for name in names)
    assert {name.partition("/")[0] for name in names} == {"service", "stack", "worker"}
