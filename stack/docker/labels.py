"""Labels and names of what a lab has in a Docker engine.

Everything carries two sets of labels: ours, by which labctl recognises its own, and those of compose, so that
`docker compose` in stack/ sees the same lab. labctl touches nothing unless both sets name the lab.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from stack.spec.service import ProgramSpec

LAB: Final = "labctl.lab"
SERVICE: Final = "labctl.service"
#: Hash of the specification that a container was made from.
SPEC: Final = "labctl.spec"
#: Hash of what an image was built from.
CONTEXT: Final = "labctl.context"

#: The stage of the build that left an image.
STAGE: Final = "labctl.stage"

PROJECT: Final = "com.docker.compose.project"
ONE_OFF: Final = "com.docker.compose.oneoff"
#: Compose's name of the network that every service joins.
NETWORK: Final = "default"


def container_name(lab: str, service: str) -> str:
    """`lab42-worker`: the container's name, and compose's name of the service."""
    return f"{lab}-{service}"


def network_name(lab: str) -> str:
    return f"{lab}_{NETWORK}"


def volume_name(lab: str, volume: str) -> str:
    return f"{lab}_{volume}"


def own_filter(lab: str) -> dict[str, list[str]]:
    """The engine's filter for what belongs to the lab, by both sets of labels."""
    return {"label": [f"{LAB}={lab}", f"{PROJECT}={lab}"]}


def is_own(lab: str, labels: Mapping[str, str] | None) -> bool:
    """Whether both sets of labels name the lab."""
    present = labels or {}
    return present.get(LAB) == lab and present.get(PROJECT) == lab


def of_lab(lab: str) -> dict[str, str]:
    """Our own labels of whatever belongs to the lab."""
    return {LAB: lab}


def of_service(lab: str, service: str) -> dict[str, str]:
    """Our own labels of a service, whoever creates it."""
    return {**of_lab(lab), SERVICE: service}


def of_network(lab: str) -> dict[str, str]:
    return {**of_lab(lab), PROJECT: lab, "com.docker.compose.network": NETWORK}


def of_volume(lab: str, volume: str) -> dict[str, str]:
    return {**of_lab(lab), PROJECT: lab, "com.docker.compose.volume": volume}


def of_container(lab: str, spec: ProgramSpec) -> dict[str, str]:
    """All labels of a container that labctl creates."""
    directory = files("stack")
    needed = (f"{container_name(lab, name)}:service_healthy:false" for name in spec.depends_on)
    return {
        **of_service(lab, spec.name),
        SPEC: spec.hash(),
        PROJECT: lab,
        "com.docker.compose.service": container_name(lab, spec.name),
        # `ps` does not list one-off containers as part of the lab.
        ONE_OFF: str(bool(spec.container and spec.container.profile)),
        "com.docker.compose.container-number": "1",
        # Without a version, compose 1.29 takes the container for one of its first releases, and fails.
        "com.docker.compose.version": "2.0.0",
        # Differs from the hash that compose computes, so that `docker compose up` replaces the container.
        "com.docker.compose.config-hash": spec.hash(),
        "com.docker.compose.project.working_dir": str(directory),
        "com.docker.compose.project.config_files": str(directory / "compose.yaml"),
        "com.docker.compose.depends_on": ",".join(needed),
    }


def labels_of(description: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels in the engine's description of a container, network, volume or image."""
    config = description.get("Config") or {}
    return description.get("Labels") or config.get("Labels") or {}
