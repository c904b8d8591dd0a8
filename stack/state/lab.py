"""What is remembered of a lab between commands: its ports and its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from service.writebehind.errors import InvalidSettings
from service.writebehind.settings import Settings
from stack.spec.names import MAXMEMORY
from stack.spec.runtime import RuntimeKind
from stack.spec.services import DEFAULT_PORTS
from stack.state.files import damaged, read_json, write_json

FILE: Final = "lab.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """The content of lab.json."""

    runtime: RuntimeKind
    #: Port on this machine by service: `api`, `redis`, `postgres`, ...
    ports: Mapping[str, int]
    #: Settings of the whole lab, and those of single services, which take precedence.
    settings: Mapping[str, str] = field(default_factory=dict)
    service_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Whether the lab has Prometheus, Grafana and Jaeger, if its runtime can run them.
    observability: bool = True

    def with_settings(self, changes: Mapping[str, str]) -> "LabState":
        """The state with these settings, also for services that had their own: the latest setting counts."""
        own = {
            service: {name: value for name, value in settings.items() if name not in changes}
            for service, settings in self.service_settings.items()
        }
        return replace(self, settings={**self.settings, **changes}, service_settings=own)

    def with_service_settings(self, service: str, changes: Mapping[str, str]) -> "LabState":
        """The state with these settings for one service."""
        merged = {**self.service_settings.get(service, {}), **changes}
        return replace(self, service_settings={**self.service_settings, service: merged})


def load(directory: Path) -> LabState | None:
    """The state of the lab there; None if there is no lab in that directory.

    Raises:
        StateUnusable: it can't be read or is damaged.
    """
    content = read_json(directory / FILE)
    if content is None:
        return None
    try:
        return _parse(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(directory / FILE) from error


def save(directory: Path, state: LabState) -> None:
    """Write the state of the lab there.

    Raises:
        StateUnusable: it can't be written.
    """
    write_json(
        directory / FILE,
        {
            "runtime": state.runtime,
            "ports": dict(state.ports),
            "settings": dict(state.settings),
            "service_settings": {name: dict(own) for name, own in state.service_settings.items()},
            "observability": state.observability,
        },
    )


def _parse(content: Mapping[str, Any]) -> LabState:
    runtime: RuntimeKind = content["runtime"]
    if runtime not in ("local", "docker"):
        raise ValueError(runtime)
    ports = {str(name): int(port) for name, port in content["ports"].items()}
    if not set(ports) >= set(DEFAULT_PORTS) or not all(1 <= port <= 65_535 for port in ports.values()):
        raise ValueError(ports)
    settings = _strings(content["settings"])
    service_settings = {
        str(name): _strings(overrides) for name, overrides in content["service_settings"].items()
    }
    for overrides in (settings, *service_settings.values()):
        _check(overrides)
    return LabState(
        runtime=runtime,
        ports=ports,
        settings=settings,
        service_settings=service_settings,
        observability=bool(content.get("observability", True)),
    )


def _check(settings: Mapping[str, str]) -> None:
    """Raises ValueError if this version does not know a setting, or can't read its value."""
    ours = {name.lower(): value for name, value in settings.items() if name != MAXMEMORY}
    try:
        Settings().changed(ours, live_only=False)
    except InvalidSettings as error:
        raise ValueError(str(error)) from error


def _strings(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}
