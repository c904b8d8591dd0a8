"""Opens a lab: chooses its runtime and finds its state."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from stack.backend import docker_backend, local_backend
from stack.docker.engine import NoEngine, version
from stack.errors import EnvironmentFault, StateUnusable
from stack.lab import Lab
from stack.settings import StackSettings
from stack.spec.names import DEFAULT_NAME
from stack.spec.runtime import RuntimeKind
from stack.spec.validate import check_name, check_ports
from stack.state import directory as lab_directory
from stack.state import lab as lab_state
from stack.state.files import resolved


def open_lab(
    name: str = DEFAULT_NAME,
    runtime: Literal["auto", "local", "docker"] = "auto",
    *,
    home: Path | None = None,
    ports: Mapping[str, int] | None = None,
) -> Lab:
    """The lab of that name; starts nothing.

    Args:
        name: Two labs of different names run side by side.
        runtime: `auto`: the lab's own if it exists, else Docker where an engine answers.
        home: The state directory; by default what the environment says.
        ports: Ports by endpoint (`api`, `redis`, `postgres`; in Docker also `prometheus`, `grafana`,
            `jaeger`), instead of the chosen ones.

    Raises:
        UsageError: the name, a port or an endpoint is impossible.
        EnvironmentFault: the runtime is not available here.
    """
    settings = StackSettings.from_env()
    # Without symbolic links, as the system reports the working directory of a process.
    directory = resolved((home or settings.home) / check_name(name))
    kind, reason = choose_runtime(name, directory, runtime, settings)
    backend = (
        docker_backend(name, directory, settings) if kind == "docker" else local_backend(directory, settings)
    )
    given = check_ports(ports or {}, tuple(backend.ports))
    return Lab(name, directory, backend, reason=reason, ports=given)


def choose_runtime(
    name: str, directory: Path, asked: Literal["auto", "local", "docker"], settings: StackSettings
) -> tuple[RuntimeKind, str]:
    """The runtime, and why: that of the lab if there is one; else Docker where an engine answers.

    Raises:
        EnvironmentFault: the lab runs on another runtime than the one asked for, or no engine answers.
    """
    recorded = _recorded(directory)
    if recorded is not None and asked not in ("auto", recorded):
        raise EnvironmentFault(
            f"the lab {name} runs on the {recorded} runtime, not on {asked}",
            hint=f"take it down first (`labctl --name {name} down`), or choose another --name",
        )
    if asked != "auto":
        return asked, "it was asked for"
    if recorded is not None:
        return recorded, "the lab runs on it"
    try:
        return "docker", f"Docker engine {version(settings)} answers"
    except NoEngine as error:
        refused = isinstance(error.__cause__, PermissionError)
        return "local", error.message if refused else "no Docker engine answers"
    except EnvironmentFault as error:
        # The user meant to use this engine, so say why that fails.
        return "local", error.message


def _recorded(directory: Path) -> RuntimeKind | None:
    # A damaged state does not name its runtime, but `down` must still work.
    with suppress(StateUnusable):
        if state := lab_state.load(directory):
            return state.runtime
    return "local" if lab_directory.holds_processes(directory) else None
