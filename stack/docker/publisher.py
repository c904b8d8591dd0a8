"""Finds the container that a port of this machine is published for."""

from collections.abc import Mapping
from contextlib import closing, suppress
from typing import Any

from stack import ports
from stack.docker import labels as docker_labels
from stack.docker.engine import connect, map_docker_errors
from stack.errors import EnvironmentFault
from stack.settings import StackSettings


def describe_holder(port: int) -> str:
    """The container or the process that holds a port, for a sentence: "the container shop-web"."""
    # The process that listens for a container belongs to the engine: ending it would not help.
    return _publisher(port) or ports.describe_holder(port)


def _publisher(port: int) -> str:
    """The container that an engine of this machine publishes the port for; '' if there is none."""
    with (
        suppress(EnvironmentFault),
        closing(connect(StackSettings.from_env())) as client,
        map_docker_errors("the containers can't be looked up"),
    ):
        for container in client.containers(filters={"publish": f"{port}/tcp"}):
            return _described(container)
    return ""


def _described(container: Mapping[str, Any]) -> str:
    lab = docker_labels.labels_of(container).get(docker_labels.LAB)
    name = f"the container {str(container['Names'][0]).lstrip('/')}"
    return f"{name} (of the lab {lab})" if lab else name
