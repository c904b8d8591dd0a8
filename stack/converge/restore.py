"""What every command sees to before its own work: that a lab is as people left it.

Runs that were killed left their changes behind; a Redis that lost its memory lost the live settings, too.
Nothing here fails a command that has other work: what can't be put back now is told, and tried again.
"""

import http.client
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from service.writebehind import keys
from stack.errors import EnvironmentFault, LabError
from stack.redis_wire import ask
from stack.spec.events import StackEvents, StackNoted
from stack.spec.hints import labctl
from stack.spec.runtime import Observed
from stack.spec.service import HealthCheck
from stack.state.kept_settings import KeptSettings
from stack.undo_log import Noted, RunChanges, borrowed_settings, undo_logs

if TYPE_CHECKING:
    from stack.lab import Lab

_HTTP_SECONDS = 5.0


def tend(lab: "Lab", services: Mapping[str, Observed] | None = None) -> StackEvents:
    """Put back what killed runs changed, and what a Redis without memory forgot; say what was done.

    Args:
        lab: The lab.
        services: What was just seen of its services; None: look.
    """
    yield from put_back(lab)
    seen = (lab.services() if services is None else services).get("redis")
    # Whoever else may listen on its port is not asked.
    if seen is not None and seen.state == "running":
        yield from remember(lab)


def remember(lab: "Lab") -> StackEvents:
    """Keep the live settings of a running lab; where Redis lost them with its memory, set them again."""
    try:
        back = KeptSettings(lab.directory, lab.redis).look(borrowed_settings(lab.directory))
    except LabError as error:
        yield StackNoted(f"The live settings can't be kept: {error.message}.")
        return
    if back:
        told = ", ".join(f"{name}={value}" for name, value in sorted(back.items()))
        yield StackNoted(f"Redis lost its memory, and the live settings with it. They are set again: {told}.")


def put_back(lab: "Lab") -> StackEvents:
    """Put back what runs changed that were killed. What people changed by hand stays."""
    for noted in undo_logs(lab.directory):
        if noted.abandoned:
            yield from _put_back(lab, noted)


def _put_back(lab: "Lab", noted: Noted) -> StackEvents:
    run = f"`labctl {noted.changes.run}` (process {noted.owner.pid})"
    try:
        done: list[str] = []
        if any(seen.pid is not None for seen in lab.services().values()):
            for service in noted.changes.services:
                yield from lab.start(service)
            done = _undone(lab, noted.changes)
        noted.path.unlink(missing_ok=True)
    except (LabError, OSError, ValueError) as error:
        told = error.message if isinstance(error, LabError) else str(error)
        yield StackNoted(f"{run} was killed, and what it had changed can't be put back yet: {told}.")
    else:
        if done:
            yield StackNoted(f"{run} was killed before it could clean up. Put back: {'; '.join(done)}.")


def _undone(lab: "Lab", changes: RunChanges) -> list[str]:
    """Put settings and dead letters back; what was put back, in words."""
    done = [f"{service} runs" for service in changes.services]
    if changes.settings:
        set_live(lab.redis, changes.settings)
        told = (f"{name}={'as configured' if was is None else was}" for name, was in changes.settings.items())
        done.append(", ".join(told))
    if changes.dead_letters:
        _requeue(lab.urls()["api"])
        done.append("its dead letters are in the queue again")
    return done


def set_live(redis: HealthCheck, settings: Mapping[str, str | None]) -> None:
    """Give live settings these values; None: none, so that a process's own counts again.

    Raises:
        OSError: Redis does not answer.
        ValueError: it refuses.
    """
    gone = [name for name, value in settings.items() if value is None]
    kept = [word for name, value in settings.items() if value is not None for word in (name, value)]
    commands = [
        *([("HDEL", keys.CONFIG, *gone)] if gone else []),
        *([("HSET", keys.CONFIG, *kept)] if kept else []),
    ]
    for answer in ask(redis, *commands):
        if isinstance(answer, Exception):
            raise answer


def _requeue(api: str) -> None:
    address = api.removeprefix("http://")
    try:
        with closing(http.client.HTTPConnection(address, timeout=_HTTP_SECONDS)) as connection:
            connection.request("POST", "/admin/dlq/requeue")
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        hint = f"{labctl('up')} repairs it"
        raise EnvironmentFault(f"the API does not answer: {error}", hint=hint) from error
    if status != http.client.OK:
        raise EnvironmentFault(f"the API answered {status}", hint=f"look at {labctl('logs api')}")
