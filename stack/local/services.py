"""The lab's services as processes that share this machine's loopback."""

from pathlib import Path

from stack.spec.description import Service
from stack.spec.names import HOST, TELEMETRY
from stack.spec.service import ServiceSpec
from stack.spec.services import CORE_SERVICES, urls
from stack.state.environment import live_options, settings_env
from stack.state.lab import LabState


def lab_specs(state: LabState, directory: Path) -> dict[str, ServiceSpec]:
    """The services that `up` starts, by short name, in the order that lists show them in.

    Args:
        state: Ports and settings.
        directory: The lab's.
    """
    return {
        service.name: service.as_process(
            state.ports, _env(state, service, directory), live_options(state, service.name)
        )
        for service in CORE_SERVICES
    }


def _env(state: LabState, service: Service, directory: Path) -> tuple[tuple[str, str], ...]:
    """What the API and the worker read: the lab's settings."""
    if service.program != "python":
        return ()
    return settings_env(
        state,
        service.name,
        urls(state.ports),
        lab=directory.name,
        address=HOST,
        port=state.ports["api"],
        telemetry=str(directory / TELEMETRY),
        metrics_port=0,
    )
