"""Creates the containers, the network and the volumes of a lab."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from stack.docker import labels
from stack.docker.publisher import describe_holder
from stack.errors import EnvironmentFault, PortHeld
from stack.package_files import asset_path
from stack.ports import HELD_HINT
from stack.spec.container import ContainerSpec, Mount, Probe
from stack.spec.hints import labctl
from stack.spec.names import HOST
from stack.spec.service import ProgramSpec, ServiceSpec

if TYPE_CHECKING:
    from docker import APIClient

#: Mount options of every directory in memory.
TMPFS_OPTIONS: Final = "rw,nosuid,nodev,size=64m"
#: How much of each log the engine keeps: two files of 10 MB.
LOG_OPTIONS: Final[Mapping[str, str]] = {"max-size": "10m", "max-file": "2"}
_NANOSECONDS: Final = 1_000_000_000


def find(client: "APIClient", lab: str, service: str) -> Mapping[str, Any] | None:
    """The container of that service, inspected; None if it does not exist.

    Raises:
        EnvironmentFault: a container of that name does not belong to the lab.
    """
    from docker.errors import NotFound

    name = labels.container_name(lab, service)
    try:
        container: Mapping[str, Any] = client.inspect_container(name)
    except NotFound:
        return None
    if not labels.is_own(lab, labels.labels_of(container)):
        raise EnvironmentFault(
            f"there is a container {name} that does not belong to this lab, so labctl does not touch it",
            hint=f"rename or remove it (`docker rm {name}`), or start a lab under another `--name`",
        )
    return container


def discard(client: "APIClient", identity: str) -> None:
    """End and remove a container, if it is still there."""
    from docker.errors import APIError

    try:
        # With its unnamed volumes, which nothing else can use.
        client.remove_container(identity, force=True, v=True)
    except APIError as error:
        # It is gone, or being removed.
        if error.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise


def is_current(client: "APIClient", lab: str, container: Mapping[str, Any], spec: ServiceSpec) -> bool:
    """Whether this container only has to be started: it was made from this specification and from the current
    image, and is in the lab's network.
    """
    from docker.errors import ImageNotFound

    if labels.labels_of(container).get(labels.SPEC) != spec.hash() or not _is_connected(
        client, lab, container
    ):
        return False
    inspect: Any = client.inspect_image  # without types in the stubs
    try:
        return bool(inspect(container_of(spec).image)["Id"] == container["Image"])
    except ImageNotFound:
        # Only the tag is gone; the container still has what it needs.
        return True


def _is_connected(client: "APIClient", lab: str, container: Mapping[str, Any]) -> bool:
    """Whether the container is in the lab's present network, which may have been removed and made again."""
    name = labels.network_name(lab)
    joined = ((container.get("NetworkSettings") or {}).get("Networks") or {}).get(name)
    ids = {each["Id"] for each in client.networks(names=[name]) if each["Name"] == name}
    # A container that never ran does not have the id of its network yet.
    return joined is not None and bool(ids) and joined.get("NetworkID") in (*ids, "")


def ensure_network(client: "APIClient", lab: str, owner: Mapping[str, str]) -> None:
    """Create the lab's network if it is missing, with the labels of its owner.

    Raises:
        EnvironmentFault: a network of that name does not belong to the lab.
    """
    name = labels.network_name(lab)
    networks = [each for each in client.networks(names=[name]) if each["Name"] == name]
    if not networks:
        client.create_network(
            name, driver="bridge", labels={**labels.of_network(lab), **owner}, check_duplicate=True
        )
    elif not labels.is_own(lab, networks[0].get("Labels")):
        raise _foreign("network", name)


def ensure_volume(client: "APIClient", lab: str, volume: str, owner: Mapping[str, str]) -> None:
    """Create a volume of the lab if it is missing, with the labels of its owner.

    Args:
        volume: Its short name.

    Raises:
        EnvironmentFault: a volume of that name does not belong to the lab.
    """
    from docker.errors import NotFound

    name = labels.volume_name(lab, volume)
    try:
        inspected = client.inspect_volume(name)
    except NotFound:
        client.create_volume(name, labels={**labels.of_volume(lab, volume), **owner})
    else:
        if not labels.is_own(lab, inspected.get("Labels")):
            raise _foreign("volume", name)


def create(
    client: "APIClient", lab: str, spec: ProgramSpec, owner: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Create the container, with the labels of the lab's owner, and return its id.

    Raises:
        EnvironmentFault: its image is not there.
    """
    from docker.errors import ImageNotFound

    container, network = container_of(spec), labels.network_name(lab)
    name = labels.container_name(lab, spec.name)
    # The lab's services use the short name, people the full one.
    aliases = [spec.name, name]
    try:
        made = client.create_container(
            container.image,
            command=[*container.command, *spec.tuned_args()] or None,
            name=name,
            environment=dict(spec.env),
            labels={**labels.of_container(lab, spec), **owner},
            user=container.user or None,
            ports=[container.port] if container.port else None,
            healthcheck=_healthcheck(container.probe) if container.probe else None,
            stop_signal=spec.stop_signal,
            host_config=_host_config(client, lab, spec),
            networking_config=client.create_networking_config(
                cast(Any, {network: client.create_endpoint_config(aliases=aliases)})
            ),
        )
    except ImageNotFound as error:
        raise EnvironmentFault(
            f"the image {container.image} of {spec.name} does not exist",
            hint=f"{labctl('up')} pulls or builds it",
        ) from error
    return str(made["Id"])


def begin(client: "APIClient", lab: str, identity: str, spec: ServiceSpec) -> None:
    """Start a container.

    Raises:
        PortHeld: its port was taken meanwhile.
    """
    from docker.errors import APIError

    try:
        client.start(identity)
    except APIError as error:
        reason = str(error.explanation or "").lower()
        if "port is already allocated" not in reason and "address already in use" not in reason:
            raise
        raise PortHeld(
            f"port {spec.port} for {spec.name} is held by {describe_holder(spec.port or 0)}",
            hint=HELD_HINT,
        ) from error


def _host_config(client: "APIClient", lab: str, spec: ProgramSpec) -> Any:
    from docker.types import LogConfig

    container = container_of(spec)
    log = dict(LOG_OPTIONS) if container.rotates_log else {}
    return client.create_host_config(
        network_mode=labels.network_name(lab),
        port_bindings={container.port: (HOST, spec.port)} if container.port and spec.port else None,
        mounts=[_mount(lab, mount) for mount in container.mounts],
        tmpfs=dict.fromkeys(container.tmpfs, TMPFS_OPTIONS),
        read_only=True,
        cap_drop=["ALL"],
        cap_add=list(container.capabilities),
        security_opt=["no-new-privileges:true"],
        mem_limit=container.memory_bytes,
        pids_limit=container.pids,
        init=container.init,
        log_config=LogConfig(type=LogConfig.types.JSON, config=log),
    )


def _mount(lab: str, mount: Mount) -> Any:
    from docker.types import Mount as DockerMount

    if mount.kind == "volume":
        return DockerMount(mount.target, labels.volume_name(lab, mount.source), type="volume")
    return DockerMount(mount.target, str(asset_path(mount.source)), type="bind", read_only=True)


def _healthcheck(probe: Probe) -> dict[str, object]:
    return {
        "test": ["CMD", *probe.argv],
        "interval": probe.interval * _NANOSECONDS,
        "timeout": probe.timeout * _NANOSECONDS,
        "start_period": probe.start_period * _NANOSECONDS,
        "retries": probe.retries,
    }


def _foreign(kind: str, name: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"there is a {kind} {name} that does not belong to this lab, so labctl does not touch it",
        hint=f"remove it (`docker {kind} rm {name}`), or start a lab under another `--name`",
    )


def container_of(spec: ProgramSpec) -> ContainerSpec:
    """What Docker runs for this specification."""
    assert spec.container is not None  # every specification of docker/services has one
    return spec.container
