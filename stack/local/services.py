"""The lab's services as processes that share this machine's loopback."""

from stack.spec.names import HOST
from stack.spec.service import ServiceSpec
from stack.spec.services import CORE_SERVICES, urls
from stack.state.environment import live_options, settings_env
from stack.state.lab import LabState


def lab_specs(state: LabState) -> dict[str, ServiceSpec]:
    """The services that `up` starts, by short name, in the order that lists show them in."""
    reached, api_port = urls(state.ports), state.ports["api"]
    return {
        service.name: service.as_process(
            state.ports,
            settings_env(state, service.name, reached, HOST, api_port) if service.program == "python" else (),
            live_options(state, service.name),
        )
        for service in CORE_SERVICES
    }
