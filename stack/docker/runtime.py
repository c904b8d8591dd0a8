"""The lab as containers of a Docker engine. What is there is read from the engine's labels, never remembered.

The protocol's calls come from several threads at once; the client's connections are pooled and bear that.
"""

import threading
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from stack.docker import containers as docker_containers
from stack.docker import labels as docker_labels
from stack.docker import logs as docker_logs
from stack.docker.engine import connect, map_docker_errors
from stack.docker.exec import run
from stack.docker.images import images_by_name
from stack.docker.inspect import observed
from stack.docker.owner import Owner
from stack.docker.usage import ContainerMeter
from stack.errors import EnvironmentFault, NotRunning
from stack.settings import StackSettings
from stack.spec.events import StackEvents
from stack.spec.hints import labctl
from stack.spec.runtime import ExecResult, FaultSignal, LogLine, Observed, RuntimeKind, Snapshot, Usage
from stack.spec.service import ServiceSpec
from stack.wait import wait_until

if TYPE_CHECKING:
    from docker import APIClient

#: Seconds until a killed container has ended.
_KILL_SECONDS: Final = 10.0


class DockerRuntime:
    """Implements `Runtime` (see spec/runtime.py)."""

    def __init__(self, lab: str, settings: StackSettings, owner: Owner, images: Collection[str] = ()) -> None:
        """`images`: names of all that a lab can need."""
        self._lab = lab
        self._settings = settings
        self._owner = owner
        self._images = images
        self._meter = ContainerMeter()
        self._connecting = threading.Lock()

    @property
    def kind(self) -> RuntimeKind:
        return "docker"

    @cached_property
    def _connected(self) -> "APIClient":
        return connect(self._settings)

    @property
    def _client(self) -> "APIClient":
        # Connecting takes requests: connect once, and only if there is something to ask.
        with self._connecting:
            return self._connected

    def connect(self) -> None:
        _ = self._client

    def observe(self) -> Mapping[str, Observed]:
        return {
            labels[docker_labels.SERVICE]: observed(labels[docker_labels.SERVICE], container)
            for container in self._inspect_all()
            if docker_labels.SERVICE in (labels := docker_labels.labels_of(container))
            and labels.get(docker_labels.ONE_OFF) != "True"
        }

    def observe_service(self, service: str) -> Observed | None:
        container = self._find(service)
        return None if container is None else observed(service, container)

    def snapshot(self) -> Snapshot:
        services = self.observe()
        with map_docker_errors(f"what the lab {self._lab} needs can't be looked up"):
            networks = self._client.networks(filters=docker_labels.own_filter(self._lab))
            return Snapshot(
                services=services,
                images=images_by_name(self._client, self._images),
                network=any(docker_labels.is_own(self._lab, each.get("Labels")) for each in networks),
                volumes=tuple(name.removeprefix(f"{self._lab}_") for name in self._volumes()),
            )

    def start(self, spec: ServiceSpec) -> None:
        container = self._find(spec.name)
        with map_docker_errors(f"{spec.name} could not be started"):
            if container is not None and not docker_containers.is_current(
                self._client, self._lab, container, spec
            ):
                docker_containers.discard(self._client, container["Id"])
                container = None
            if container is None:
                identity = docker_containers.create(self._client, self._lab, spec, self._owner.labels())
            else:
                identity = container["Id"]
            docker_containers.begin(self._client, self._lab, identity, spec)

    def stop(self, service: str, *, seconds: float) -> None:
        container = self._find(service)
        if container is None or not container["State"]["Running"]:
            return
        with map_docker_errors(f"{service} could not be stopped"):
            # A frozen process does not notice signals.
            self._thaw(container)
            self._client.stop(container["Id"], timeout=round(seconds))

    def signal(self, service: str, fault: FaultSignal) -> None:
        container = self._find(service)
        if container is None or not container["State"]["Running"]:
            raise NotRunning(f"{service} does not run", hint=f"start it with {labctl('up')}")
        with map_docker_errors(f"{service} could not be given the fault {fault!r}"):
            match fault:
                case "kill":
                    self._thaw(container)
                    self._client.kill(container["Id"], "SIGKILL")
                    self._await_end(service)
                case "pause":
                    if not container["State"]["Paused"]:
                        self._client.pause(container["Id"])
                case "resume":
                    self._thaw(container)

    def remove(self, *, keep_data: bool) -> None:
        own = docker_labels.own_filter(self._lab)
        with map_docker_errors(f"the lab {self._lab} could not be removed"):
            # One-off containers, and services that this version does not know, belong to the lab as well.
            for container in self._client.containers(all=True, filters=own):
                if docker_labels.is_own(self._lab, container.get("Labels")):
                    self._owner.require(self._lab, container.get("Labels"))
                    docker_containers.discard(self._client, container["Id"])
            for network in self._client.networks(filters=own):
                if docker_labels.is_own(self._lab, network.get("Labels")):
                    self._remove_network(network)
            for volume in () if keep_data else self._volumes():
                self._client.remove_volume(volume)

    def create_network(self) -> StackEvents:
        """Make the lab's network, unless it is there."""
        with map_docker_errors(f"the network of {self._lab} could not be made"):
            docker_containers.ensure_network(self._client, self._lab, self._owner.labels())
        yield from ()

    def create_volume(self, volume: str) -> StackEvents:
        """Make a volume of the lab, given by its short name, unless it is there."""
        with map_docker_errors(f"the volume {volume} could not be made"):
            docker_containers.ensure_volume(self._client, self._lab, volume, self._owner.labels())
        yield from ()

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        container = self._find(service)
        if container is None or not container["State"]["Running"] or container["State"]["Paused"]:
            raise NotRunning(f"{service} does not run", hint=f"start it with {labctl('up')}")
        return run(self._settings, container["Id"], service, argv, stdin)

    def logs(
        self, services: Sequence[str], *, tail: int | None, follow: bool
    ) -> Generator[LogLine | None, None, None]:
        names = {name: docker_labels.container_name(self._lab, name) for name in services}
        if follow:
            return docker_logs.follow(self._settings, names, tail=tail, is_there=lambda: bool(self.observe()))
        return docker_logs.read(self._settings, names, tail=tail)

    def usage(self) -> Mapping[str, Usage]:
        running = {
            docker_labels.labels_of(container)[docker_labels.SERVICE]: container
            for container in self._inspect_all()
            if container["State"]["Running"] and docker_labels.SERVICE in docker_labels.labels_of(container)
        }
        return self._meter.read(self._client, running)

    def _volumes(self) -> list[str]:
        volumes = self._client.volumes(filters=docker_labels.own_filter(self._lab))["Volumes"] or []
        own = [each for each in volumes if docker_labels.is_own(self._lab, each.get("Labels"))]
        for each in own:
            self._owner.require(self._lab, each.get("Labels"))
        return [each["Name"] for each in own]

    def _inspect_all(self) -> list[Mapping[str, Any]]:
        from docker.errors import NotFound

        own = docker_labels.own_filter(self._lab)
        client = self._client

        def inspect(identity: str) -> Mapping[str, Any] | None:
            # Another labctl or a person may remove it meanwhile.
            with suppress(NotFound):
                details: Mapping[str, Any] = client.inspect_container(identity)
                return details
            return None

        with map_docker_errors(f"the containers of {self._lab} can't be looked up"):
            listed = client.containers(all=True, filters=own)
            for container in listed:
                self._owner.require(self._lab, container.get("Labels"))
            with ThreadPoolExecutor(max_workers=max(1, len(listed))) as pool:
                details = pool.map(inspect, [container["Id"] for container in listed])
                return [each for each in details if each is not None]

    def _find(self, service: str) -> Mapping[str, Any] | None:
        with map_docker_errors(f"the container of {service} can't be looked up"):
            return docker_containers.find(self._client, self._lab, service)

    def _thaw(self, container: Mapping[str, Any]) -> None:
        from docker.errors import APIError

        if container["State"]["Paused"]:
            # It may have been resumed meanwhile.
            with suppress(APIError):
                self._client.unpause(container["Id"])

    def _remove_network(self, network: Mapping[str, Any]) -> None:
        """Remove a network of the lab, unless other containers have joined it.

        Raises:
            EnvironmentFault: they have.
        """
        from docker.errors import APIError, NotFound

        details = self._client.inspect_network(network["Id"])
        guests = sorted(guest["Name"] for guest in (details.get("Containers") or {}).values())
        try:
            self._client.remove_network(network["Id"])
        except NotFound:
            return
        except APIError as error:
            if not guests:
                raise
            raise EnvironmentFault(
                f"the network {network['Name']} is used by containers that are not the lab's: "
                f"{', '.join(guests)}",
                hint=f"disconnect them (`docker network disconnect`), then try {labctl('down')} again",
            ) from error

    def _await_end(self, service: str) -> None:
        wait_until(
            lambda: (seen := self.observe_service(service)) is None or seen.pid is None,
            seconds=_KILL_SECONDS,
            reason=f"{service} has ended after SIGKILL",
            hint="the engine may be overloaded; try again",
        )
