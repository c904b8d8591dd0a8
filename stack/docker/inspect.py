"""Translates what the engine reports about a container into the lab's own types."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from stack.docker import labels as docker_labels
from stack.spec.events import ServiceState
from stack.spec.runtime import Observed

#: Exit codes of a program that ended properly: by itself, after SIGINT, after SIGTERM.
_IN_ORDER: Final = frozenset({0, 130, 143})
_SIGKILL: Final = 137
_STATES: Final[Mapping[str, ServiceState]] = {
    "created": "stopped",
    "running": "running",
    "paused": "paused",
    "restarting": "died",
    "removing": "removed",
    "dead": "died",
}


def observed(service: str, container: Mapping[str, Any]) -> Observed:
    """The state of a service, from its inspected container."""
    state = container["State"]
    lives = bool(state["Running"])
    return Observed(
        service=service,
        state=_state(state),
        pid=int(state["Pid"]) if lives else None,
        started_at=unix_time(str(state["StartedAt"])) if lives else None,
        spec_hash=docker_labels.labels_of(container).get(docker_labels.SPEC, ""),
        image=str((container.get("Config") or {}).get("Image", "")),
        port=_port(container),
        detail=_detail(state),
        health_output=_health_output(state) if lives else "",
        unhealthy=lives and (state.get("Health") or {}).get("Status") == "unhealthy",
    )


def unix_time(text: str) -> float:
    """An RFC 3339 time as Unix time in s. Python's own parser refuses the engine's nanoseconds."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")


def _state(state: Mapping[str, Any]) -> ServiceState:
    status = str(state["Status"])
    if status != "exited":
        return _STATES.get(status, "died")
    return "stopped" if state["ExitCode"] in _IN_ORDER and not state.get("OOMKilled") else "died"


def _detail(state: Mapping[str, Any]) -> str:
    if state["Status"] in ("exited", "dead"):
        if state.get("OOMKilled"):
            return "it ran out of memory"
        if state["ExitCode"] == _SIGKILL:
            return "it was killed"
        return "" if state["ExitCode"] in _IN_ORDER else f"it ended with exit code {state['ExitCode']}"
    return ""


def _health_output(state: Mapping[str, Any]) -> str:
    """The last line that the last health check printed, if it failed."""
    checks = (state.get("Health") or {}).get("Log") or ()
    if not checks or checks[-1]["ExitCode"] == 0:
        return ""
    lines = str(checks[-1]["Output"]).strip().splitlines()
    return lines[-1].strip() if lines else f"exit code {checks[-1]['ExitCode']}"


def _port(container: Mapping[str, Any]) -> int | None:
    """The port on this machine, also of a stopped container."""
    bindings = (container.get("HostConfig") or {}).get("PortBindings") or {}
    for hosts in bindings.values():
        for host in hosts or ():
            if host.get("HostPort"):
                return int(host["HostPort"])
    return None
