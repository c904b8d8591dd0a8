"""The lab's services as containers, which reach one another by their short names."""

from stack.spec.description import EVERY_ADDRESS, Service
from stack.spec.names import DEFAULT_NAME, TELEMETRY
from stack.spec.service import ServiceSpec
from stack.spec.services import (
    API,
    API_TELEMETRY,
    CORE_SERVICES,
    JAEGER,
    JAEGER_OTLP_URL,
    OBSERVABILITY_SERVICES,
    POSTGRES,
    REDIS,
    WORKER_METRICS_PORT,
)
from stack.state.environment import live_options, settings_env
from stack.state.lab import LabState


def docker_specs(state: LabState, image: str, name: str = DEFAULT_NAME) -> dict[str, ServiceSpec]:
    """The services that `up` starts, by short name, in the order that lists show them in.

    Args:
        state: Ports on this machine, settings, and whether Prometheus, Grafana and Jaeger are wanted.
        image: The image of the API and the worker.
        name: The lab's.
    """
    services = (*CORE_SERVICES, *(OBSERVABILITY_SERVICES if state.observability else ()))
    return {
        service.name: service.as_container(
            state.ports, _env(state, service, name), live_options(state, service.name), own_image=image
        )
        for service in services
    }


def _env(state: LabState, service: Service, name: str) -> tuple[tuple[str, str], ...]:
    """What the API and the worker read: the lab's settings."""
    if service.program != "python":
        return ()
    reached = {each.name: each.container_url() for each in (REDIS, POSTGRES, API)}
    if state.observability:
        reached[JAEGER.name] = JAEGER_OTLP_URL
    api_port = API.container.port
    assert api_port is not None  # it is described with one
    return settings_env(
        state,
        service.name,
        reached,
        lab=name,
        address=EVERY_ADDRESS,
        port=api_port,
        telemetry=API_TELEMETRY if service is API else f"/tmp/{TELEMETRY}",
        metrics_port=WORKER_METRICS_PORT,
    )
