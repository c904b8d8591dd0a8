"""compose.yaml, written from the specification, so that `docker compose` in stack/ runs the same lab."""

from typing import Any, Final

import yaml

from service.writebehind.settings import Settings
from stack.docker import labels
from stack.docker.build_context import DOCKERFILE
from stack.docker.containers import LOG_OPTIONS, TMPFS_OPTIONS, container_of
from stack.docker.images import REPOSITORY
from stack.docker.services import docker_specs
from stack.spec.container import COMPOSE_TAG, ContainerSpec, Mount
from stack.spec.names import DEFAULT_NAME, HOST
from stack.spec.service import ProgramSpec
from stack.spec.services import DEFAULT_PORTS, K6, OBSERVABILITY_PORTS
from stack.state.lab import LabState

#: Compose builds under a tag of its own: labctl's tags say what they were built from.
IMAGE: Final = f"{REPOSITORY}:{COMPOSE_TAG}"
_HEADER: Final = """\
# The whole lab for `docker compose`, run in this directory. Written by `python -m stack.docker.compose` from
# stack/spec/services.py: change it there. A setting of the environment, such as SIMULATE_DB_FAILURE=true,
# reaches the containers that are created with it.
"""
#: The first character of every word that a reader of YAML may take for a number.
_NUMERIC: Final = frozenset("0123456789+-.")
#: What a load test takes from the environment of `docker compose run`.
_LOAD_SETTINGS: Final = ("CLIENTS", "DURATION")
_WIDTH: Final = 110


def render() -> str:
    """The content of compose.yaml."""
    state = LabState(runtime="docker", ports={**DEFAULT_PORTS, **OBSERVABILITY_PORTS})
    specs = [*docker_specs(state, IMAGE).values(), K6]
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
    return f"{_HEADER}\n{dump(document)}"


def _service(spec: ProgramSpec) -> dict[str, Any]:
    container = container_of(spec)
    name = labels.container_name(DEFAULT_NAME, spec.name)
    fields: dict[str, Any] = {
        "image": container.image,
        "build": _build() if container.image == IMAGE else None,
        # It is in no registry.
        "pull_policy": "never" if container.image == IMAGE else None,
        # `docker compose run` starts several: they must not all have one name.
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


def _specified(spec: ProgramSpec) -> dict[str, str]:
    """The label by which `labctl up` recognises a container that compose made as one that it would make
    itself, and keeps it: Redis above all, with the writes that wait in it. A container that takes settings
    from the environment may differ, so it does not carry the label."""
    return {} if spec.program == "python" else {labels.SPEC: spec.hash()}


def _build() -> dict[str, Any]:
    return {
        "context": "..",
        "dockerfile": DOCKERFILE,
        # LABCTL_BUILD_NETWORK=host is for machines whose package index containers can't reach.
        "network": "${LABCTL_BUILD_NETWORK:-default}",
    }


def _value(key: str, value: str, spec: ProgramSpec) -> str:
    """The value; the environment of `docker compose up` may override that of a setting that changes live."""
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
    """The text with each `$` doubled: compose would take it for the start of a variable."""
    return text.replace("$", "$$")


def dump(document: object) -> str:
    """A document as YAML that every reader reads the same."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=_WIDTH)


class _Dumper(yaml.SafeDumper):
    """Writes text so that every reader takes it for text."""

    def represent_str(self, text: str) -> yaml.ScalarNode:
        # All numbers, dates and times start like this. YAML 1.2 has more than PyYAML knows: 1e3, 0o17.
        style = '"' if text[:1] in _NUMERIC else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201 - this is what it is for
