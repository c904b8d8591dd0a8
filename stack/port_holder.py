"""Who holds a port of this machine: a container, or a process."""

from collections.abc import Mapping
from contextlib import closing, suppress
from typing import Any

import psutil

from stack.docker import labels as docker_labels
from stack.docker.engine import connect, translated
from stack.errors import EnvironmentFault
from stack.settings import StackSettings


def holder(port: int) -> psutil.Process | None:
    """The process that listens there; None if it is not ours to see."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                return psutil.Process(connection.pid)
    return None


def describe_holder(port: int) -> str:
    """For a sentence: "nginx (pid 4711)", "the container shop-web"."""
    # What listens for a container is a part of the engine: ending it would not help.
    if container := _publisher(port):
        return container
    process = holder(port)
    if process is None:
        return "another process (whose it is can't be seen from here)"
    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
        return f"pid {process.pid}"


def _publisher(port: int) -> str:
    """The container that an engine of this machine publishes the port for; '' if there is none."""
    with (
        suppress(EnvironmentFault),
        closing(connect(StackSettings.from_env())) as client,
        translated("the containers can't be looked up"),
    ):
        for found in client.containers(filters={"publish": f"{port}/tcp"}):
            return _described(found)
    return ""


def _described(found: Mapping[str, Any]) -> str:
    lab = docker_labels.labels_of(found).get(docker_labels.LAB)
    name = f"the container {str(found['Names'][0]).lstrip('/')}"
    return f"{name} (of the lab {lab})" if lab else name
