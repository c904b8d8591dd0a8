"""compose.yaml, written from the specification, so that `docker compose` in stack/ runs the same lab."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.writebehind.settings import Settings
from stack.docker import labels
from stack.docker.build_context import DOCKERFILE
from stack.docker.containers import LOG_OPTIONS, TMPFS_OPTIONS, container_of
from stack.docker.images import REPOSITORY
from stack.docker.services import docker_specs, k6_spec
from stack.spec.container import COMPOSE_TAG, ContainerSpec, Mount
from stack.spec.names import DEFAULT_NAME, DEFAULT_PORTS, HOST, OBSERVABILITY_PORTS
from stack.spec.service import ServiceSpec
from stack.state.lab import LabState

#: Compose builds under a tag of its own: labctl's tags say what they were built from.
IMAGE: Final = f"{REPOSITORY}:{COMPOSE_TAG}"
_HEADER: Final = """\
# The whole lab for `docker compose`, run in this directory. Written by `python -m stack.docker.compose` from
# stack/docker/services.py: change it there. A setting of the environment, such as SIMULATE_DB_FAILURE=true,
# reaches the containers that are created with it.
"""
#: Words that YAML, or a reader of it, may take for something else than a string.
_PLAIN: Final = re.compile(r"[A-Za-z/.][A-Za-z0-9_./-]*")
#: What a load test takes from the environment of `docker compose run`.
_LOAD_SETTINGS: Final = ("CLIENTS", "DURATION")
_WIDTH: Final = 110
_NOT_STRINGS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"})


def render() -> str:
    """The file as the specification would have it."""
    state = LabState(runtime="docker", ports={**DEFAULT_PORTS, **OBSERVABILITY_PORTS})
    specs = [*docker_specs(state, IMAGE).values(), k6_spec()]
    document = {
        "services": {labels.container_name(DEFAULT_NAME, spec.name): _service(spec) for spec in specs},
        "networks": {labels.NETWORK: {"driver": "bridge", "labels": labels.of_lab(DEFAULT_NAME)}},
        "volumes": {
            mount.source: {"labels": labels.of_lab(DEFAULT_NAME)}
            for spec in specs
            for mount in container_of(spec).mounts
            if mount.kind == "volume"
        },
    }
    return _HEADER + "\n" + "\n".join(_lines(document)) + "\n"


def _service(spec: ServiceSpec) -> dict[str, Any]:
    container = container_of(spec)
    name = labels.container_name(DEFAULT_NAME, spec.name)
    fields: dict[str, Any] = {
        "image": container.image,
        "build": _build() if container.image == IMAGE else None,
        # It is in no registry.
        "pull_policy": "never" if container.image == IMAGE else None,
        # A container that comes and goes by `run` must not lay claim to a name.
        "container_name": None if container.profile else name,
        "profiles": [container.profile] if container.profile else None,
        "command": [_escaped(word) for word in (*container.command, *spec.tuned_args())],
        "user": container.user,
        "environment": {key: _value(key, value, spec) for key, value in spec.env},
        "ports": [f"{HOST}:{spec.port}:{container.port}"] if spec.port and container.port else None,
        "depends_on": {
            labels.container_name(DEFAULT_NAME, needed): {"condition": "service_healthy"}
            for needed in spec.depends_on
        },
        "networks": {labels.NETWORK: {"aliases": [spec.name]}},
        "volumes": [_volume(mount) for mount in container.mounts],
        "tmpfs": [f"{path}:{TMPFS_OPTIONS}" for path in container.tmpfs],
        "healthcheck": _healthcheck(container),
        "stop_signal": spec.stop_signal,
        "stop_grace_period": f"{spec.stop_seconds:.0f}s",
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": list(container.capabilities),
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": container.memory_bytes,
        "pids_limit": container.pids,
        "init": container.init,
        "logging": {
            "driver": "json-file",
            **({"options": dict(LOG_OPTIONS)} if container.rotates_log else {}),
        },
        "labels": {**labels.of_service(DEFAULT_NAME, spec.name), **_specified(spec)},
    }
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def _specified(spec: ServiceSpec) -> dict[str, str]:
    """By this label `labctl up` sees that a container of compose's is what it would make itself, and leaves
    it alone: Redis above all, with what waits in it. What takes settings from the environment may differ."""
    return {} if spec.program == "python" else {labels.SPEC: spec.hash()}


def _build() -> dict[str, Any]:
    return {
        "context": "..",
        "dockerfile": DOCKERFILE,
        # Where a package index is reached from this machine alone: LABCTL_BUILD_NETWORK=host.
        "network": "${LABCTL_BUILD_NETWORK:-default}",
    }


def _value(key: str, value: str, spec: ServiceSpec) -> str:
    """Settings that may change live can also be given in the environment of `docker compose up`."""
    if (spec.program == "python" and key.lower() in Settings().live()) or key in _LOAD_SETTINGS:
        return f"${{{key}:-{value}}}"
    return _escaped(value)


def _volume(mount: Mount) -> str:
    if mount.kind == "volume":
        return f"{mount.source}:{mount.target}"
    source = mount.source if mount.source.startswith("..") else f"./{mount.source}"
    return f"{source}:{mount.target}:ro"


def _healthcheck(container: ContainerSpec) -> dict[str, Any] | None:
    probe = container.probe
    if probe is None:
        return None
    return {
        "test": ["CMD", *(_escaped(word) for word in probe.argv)],
        "interval": f"{probe.interval}s",
        "timeout": f"{probe.timeout}s",
        "start_period": f"{probe.start_period}s",
        "retries": probe.retries,
    }


def _escaped(text: str) -> str:
    """Compose takes a `$` for the beginning of a variable."""
    return text.replace("$", "$$")


def _lines(value: object, indent: str = "") -> list[str]:
    """A document of mappings and of lists of strings as YAML, in blocks."""
    match value:
        case Mapping():
            return [line for key, inner in value.items() for line in _entry(str(key), inner, indent)]
        case Sequence():
            return [f"{indent}- {_scalar(inner)}" for inner in value]
        case _:
            raise TypeError(f"no YAML for {value!r}")


def _entry(key: str, value: object, indent: str) -> list[str]:
    head = f"{indent}{_scalar(key)}:"
    if isinstance(value, str | bool | int):
        return [f"{head} {_scalar(value)}"]
    if isinstance(value, list) and len(short := f"{head} [{', '.join(map(_scalar, value))}]") <= _WIDTH:
        return [short]
    return [head, *_lines(value, indent + "  ")]


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if isinstance(value, int) or (_PLAIN.fullmatch(text) and text.lower() not in _NOT_STRINGS):
        return text
    # A JSON string is a YAML string.
    return json.dumps(text)


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201 - this is what it is for
