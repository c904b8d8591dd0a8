"""Opening a lab: which runtime it is on, and where its state lies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from stack.backend import docker_flavour, local_flavour
from stack.choice import choose_runtime
from stack.local.services import DEFAULT_NAME, check_name, check_ports
from stack.settings import StackSettings
from stack.stack import Stack
from stack.state.files import resolved


def open_stack(
    name: str = DEFAULT_NAME,
    runtime: Literal["auto", "local", "docker"] = "auto",
    *,
    home: Path | None = None,
    ports: Mapping[str, int] | None = None,
) -> Stack:
    """The lab of that name; starts nothing.

    Args:
        name: Two labs of different names run side by side.
        runtime: `auto`: that of the lab if there is one, else what this machine has.
        home: The state directory; by default what the environment says.
        ports: Ports by endpoint (`api`, `redis`, `postgres`; in Docker also `prometheus`, `grafana`,
            `jaeger`), instead of the chosen ones.

    Raises:
        UsageError: the name, a port or an endpoint is impossible.
        EnvironmentFault: the runtime is not to be had.
    """
    settings = StackSettings.from_env()
    # Resolved, because the system names the working directory of a process so.
    directory = resolved((home or settings.home) / check_name(name))
    kind, reason = choose_runtime(name, directory, runtime, settings)
    flavour = (
        docker_flavour(name, directory, settings) if kind == "docker" else local_flavour(directory, settings)
    )
    given = check_ports(ports or {}, tuple(flavour.ports))
    return Stack(name, directory, flavour, reason=reason, ports=given)
