"""The lab's services as containers, which reach one another by their short names."""

from stack.spec.description import EVERY_ADDRESS, Service
from stack.spec.service import ServiceSpec
from stack.spec.services import API, CORE_SERVICES, OBSERVABILITY_SERVICES, POSTGRES, REDIS, tracing_env
from stack.state.environment import live_options, settings_env
from stack.state.lab import LabState


def docker_specs(state: LabState, image: str) -> dict[str, ServiceSpec]:
    """The services that `up` starts, by short name, in the order that lists show them in.

    Args:
        state: Ports on this machine, settings, and whether Prometheus, Grafana and Jaeger are wanted.
        image: The image of the API and the worker.
    """
    services = (*CORE_SERVICES, *(OBSERVABILITY_SERVICES if state.observability else ()))
    return {
        service.name: service.as_container(
            state.ports, _env(state, service), live_options(state, service.name), own_image=image
        )
        for service in services
    }


def _env(state: LabState, service: Service) -> tuple[tuple[str, str], ...]:
    """What the API and the worker read: the lab's settings, and where traces go."""
    if service.program != "python":
        return ()
    reached = {each.name: each.container_url() for each in (REDIS, POSTGRES)}
    api_port = API.container.port
    assert api_port is not None  # it is described with one
    settings = settings_env(state, service.name, reached, EVERY_ADDRESS, api_port)
    return (*settings, *(tracing_env(service.name) if state.observability else ()))
