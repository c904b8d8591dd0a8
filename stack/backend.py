"""Everything that depends on the runtime, in one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.converge.lifecycle import Supply
from stack.converge.plan import Kind
from stack.local.services import lab_specs
from stack.settings import StackSettings
from stack.spec.load_test import LoadTest, Script
from stack.spec.runtime import Runtime
from stack.spec.service import ServiceSpec
from stack.spec.services import DEFAULT_PORTS, OBSERVABILITY_PORTS, urls
from stack.state.lab import LabState


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One runtime, and what a lab is on it."""

    runtime: Runtime
    #: The services of a lab in this state, by short name, in the order that lists show them in.
    specs: Callable[[LabState], dict[str, ServiceSpec]]
    #: Makes what a plan asks for beside services, by kind.
    supplies: Mapping[Kind, Supply]
    #: Raises where this machine does not allow these services; given by short name.
    check: Callable[[Mapping[str, ServiceSpec]], None]
    #: A load test on a lab in this state, not started: which script of k6, with which of its settings.
    load_test: Callable[[LabState, Script, Mapping[str, str]], LoadTest]
    #: The well-known ports, by endpoint.
    ports: Mapping[str, int]


def describe_holder(port: int) -> str:
    """Who holds a port, for a sentence. The Docker client loads only where somebody has to be named."""
    from stack.docker.publisher import describe_holder as container_or_process

    return container_or_process(port)


def local_backend(directory: Path, settings: StackSettings) -> Backend:
    """Processes of this machine."""
    from stack.local import limits as local_limits
    from stack.local.k6 import LocalLoadTest
    from stack.local.runtime import LocalRuntime

    return Backend(
        runtime=LocalRuntime(directory, settings),
        specs=lambda state: lab_specs(state, directory),
        supplies={},
        check=lambda specs: local_limits.require(settings, specs),
        load_test=lambda state, script, given: LocalLoadTest(
            script, {"BASE_URL": urls(state.ports)["api"], **given}
        ),
        ports=DEFAULT_PORTS,
    )


def docker_backend(name: str, directory: Path, settings: StackSettings) -> Backend:
    """Containers of a Docker engine."""
    from stack.docker.images import DockerImages, own_image
    from stack.docker.k6 import DockerLoadTest
    from stack.docker.owner import Owner
    from stack.docker.runtime import DockerRuntime
    from stack.docker.services import docker_specs

    image = own_image()
    ports = {**DEFAULT_PORTS, **OBSERVABILITY_PORTS}
    everything = docker_specs(LabState(runtime="docker", ports=ports), image).values()
    images = {spec.container.image for spec in everything if spec.container}
    runtime = DockerRuntime(name, settings, Owner.of(directory.parent), images)
    return Backend(
        runtime=runtime,
        specs=lambda state: docker_specs(state, image, name),
        supplies={
            "image": DockerImages(settings).ensure,
            "network": lambda _: runtime.create_network(),
            "volume": runtime.create_volume,
        },
        check=lambda _: None,
        load_test=lambda _, script, given: DockerLoadTest(name, script, given, settings),
        ports=ports,
    )
