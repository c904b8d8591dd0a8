"""The lab as containers of a Docker engine. What is there is read from the engine's labels, never remembered.

The protocol's calls come from several threads at once; the client's connections are pooled and bear that.
"""

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from stack.docker import containers as docker_containers
from stack.docker import labels as docker_labels
from stack.docker import logs as docker_logs
from stack.docker.engine import connect, map_docker_errors
from stack.docker.exec import run
from stack.docker.inspect import observed
from stack.docker.owner import Owner
from stack.docker.usage import ContainerMeter
from stack.errors import EnvironmentFault, NotRunning
from stack.settings import StackSettings
from stack.spec.runtime import ExecResult, FaultSignal, LogLine, Observed, RuntimeKind, Usage
from stack.spec.service import ServiceSpec
from stack.wait import wait_until

if TYPE_CHECKING:
    from docker import APIClient

#: s until a killed container is seen to have ended.
_KILL_SECONDS: Final = 10.0


class DockerRuntime:
    """Implements `Runtime` (see runtime.py)."""

    def __init__(self, lab: str, settings: StackSettings, owner: Owner) -> None:
        self._lab = lab
        self._settings = settings
        self._owner = owner
        self._meter = ContainerMeter()
        #: Services start side by side, but the network and the volumes are made once.
        self._creating = threading.Lock()
        self._connecting = threading.Lock()

    @property
    def kind(self) -> RuntimeKind:
        return "docker"

    @cached_property
    def _connected(self) -> "APIClient":
        return connect(self._settings)

    @property
    def _client(self) -> "APIClient":
        # Connecting asks the engine: only when there is something to ask, and once for all threads.
        with self._connecting:
            return self._connected

    def observe(self) -> Mapping[str, Observed]:
        return {
            labels[docker_labels.SERVICE]: observed(labels[docker_labels.SERVICE], found)
            for found in self._inspect_all()
            if docker_labels.SERVICE in (labels := docker_labels.labels_of(found))
            and labels.get(docker_labels.ONE_OFF) != "True"
        }

    def start(self, spec: ServiceSpec) -> None:
        found = self._find(spec.name)
        with map_docker_errors(f"{spec.name} could not be started"):
            if found is not None and not docker_containers.is_current(self._client, self._lab, found, spec):
                docker_containers.discard(self._client, found["Id"])
                found = None
            if found is None:
                with self._creating:
                    docker_containers.ensure_surroundings(self._client, self._lab, spec, self._owner.labels())
                identity = docker_containers.create(self._client, self._lab, spec, self._owner.labels())
            else:
                identity = found["Id"]
            docker_containers.begin(self._client, self._lab, identity, spec)

    def stop(self, service: str, *, seconds: float) -> None:
        found = self._find(service)
        if found is None or not found["State"]["Running"]:
            return
        with map_docker_errors(f"{service} could not be stopped"):
            # A frozen process notices no signal.
            self._thaw(found)
            self._client.stop(found["Id"], timeout=round(seconds))

    def signal(self, service: str, fault: FaultSignal) -> None:
        found = self._find(service)
        if found is None or not found["State"]["Running"]:
            raise NotRunning(f"{service} does not run", hint="start it with `labctl up`")
        with map_docker_errors(f"no {fault} of {service}"):
            match fault:
                case "kill":
                    self._thaw(found)
                    self._client.kill(found["Id"], "SIGKILL")
                    self._await_end(service)
                case "pause":
                    if not found["State"]["Paused"]:
                        self._client.pause(found["Id"])
                case "resume":
                    self._thaw(found)

    def remove(self, *, keep_data: bool) -> None:
        own = docker_labels.own_filter(self._lab)
        with map_docker_errors(f"the lab {self._lab} could not be removed"):
            # One-off containers and services that this version does not know are the lab's as well.
            for found in self._client.containers(all=True, filters=own):
                if docker_labels.is_own(self._lab, found.get("Labels")):
                    self._owner.require(self._lab, found.get("Labels"))
                    docker_containers.discard(self._client, found["Id"])
            for network in self._client.networks(filters=own):
                if docker_labels.is_own(self._lab, network.get("Labels")):
                    self._remove_network(network)
            for volume in () if keep_data else self._volumes():
                self._client.remove_volume(volume)

    def holds_data(self) -> bool:
        """Whether a volume of the lab is there."""
        with map_docker_errors("the lab's volumes can't be looked up"):
            return bool(self._volumes())

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        found = self._find(service)
        if found is None or not found["State"]["Running"] or found["State"]["Paused"]:
            raise NotRunning(f"{service} does not run", hint="start it with `labctl up`")
        return run(self._settings, found["Id"], service, argv, stdin)

    def logs(
        self, services: Sequence[str], *, tail: int | None, follow: bool
    ) -> Generator[LogLine, None, None]:
        names = {name: docker_labels.container_name(self._lab, name) for name in services}
        if follow:
            return docker_logs.follow(self._settings, names, tail=tail, is_there=lambda: bool(self.observe()))
        return docker_logs.read(self._settings, names, tail=tail)

    def usage(self) -> Mapping[str, Usage]:
        running = {
            docker_labels.labels_of(found)[docker_labels.SERVICE]: found
            for found in self._inspect_all()
            if found["State"]["Running"] and docker_labels.SERVICE in docker_labels.labels_of(found)
        }
        return self._meter.read(self._client, running)

    def _volumes(self) -> list[str]:
        found = self._client.volumes(filters=docker_labels.own_filter(self._lab))["Volumes"] or []
        own = [each for each in found if docker_labels.is_own(self._lab, each.get("Labels"))]
        for each in own:
            self._owner.require(self._lab, each.get("Labels"))
        return [each["Name"] for each in own]

    def _inspect_all(self) -> list[Mapping[str, Any]]:
        from docker.errors import NotFound

        own = docker_labels.own_filter(self._lab)
        details: list[Mapping[str, Any]] = []
        with map_docker_errors(f"the containers of {self._lab} can't be looked up"):
            for found in self._client.containers(all=True, filters=own):
                self._owner.require(self._lab, found.get("Labels"))
                # Another labctl or a person may remove it meanwhile.
                with suppress(NotFound):
                    details.append(self._client.inspect_container(found["Id"]))
        return details

    def _find(self, service: str) -> Mapping[str, Any] | None:
        with map_docker_errors(f"the container of {service} can't be looked up"):
            return docker_containers.find(self._client, self._lab, service)

    def _thaw(self, found: Mapping[str, Any]) -> None:
        from docker.errors import APIError

        if found["State"]["Paused"]:
            # It may have been thawed meanwhile.
            with suppress(APIError):
                self._client.unpause(found["Id"])

    def _remove_network(self, network: Mapping[str, Any]) -> None:
        """A stranger's container that joined the network keeps it."""
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
                hint="disconnect them (`docker network disconnect`), then try `labctl down` again",
            ) from error

    def _await_end(self, service: str) -> None:
        wait_until(
            lambda: (seen := self.observe().get(service)) is None or seen.pid is None,
            seconds=_KILL_SECONDS,
            reason=f"{service} has ended after SIGKILL",
            hint="the engine may be overloaded; try again",
        )
