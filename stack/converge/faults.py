"""Breaks services on purpose."""

from typing import Final

from stack.errors import NotRunning
from stack.spec.events import ServiceChanged, StackEvents
from stack.spec.hints import labctl
from stack.spec.runtime import Runtime
from stack.wait import wait_until

#: s until a frozen process is seen to be.
_PAUSE_SECONDS: Final = 5.0


def kill(runtime: Runtime, service: str) -> StackEvents:
    """SIGKILL for every process of the service; raises NotRunning where there is none."""
    require_running(runtime, service)
    runtime.signal(service, "kill")
    yield ServiceChanged(service, "died", "SIGKILL")


def pause(runtime: Runtime, service: str) -> StackEvents:
    """Freeze every process of the service; raises NotRunning where there is none."""
    require_running(runtime, service)
    runtime.signal(service, "pause")
    wait_until(
        lambda: (seen := runtime.observe_service(service)) is not None and seen.state == "paused",
        seconds=_PAUSE_SECONDS,
        reason=f"{service} is frozen",
        hint="try again",
    )
    yield ServiceChanged(service, "paused", "SIGSTOP")


def require_running(runtime: Runtime, service: str) -> None:
    """Raises NotRunning where there is nothing that a signal could reach."""
    seen = runtime.observe_service(service)
    if seen is None or seen.pid is None:
        raise NotRunning(f"{service} does not run", hint=f"start it with {labctl('up')}")
