"""Checks whether this machine can run the lab. Each check gives one finding and changes nothing."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from stack.docker.engine import NoEngine, connect, map_docker_errors
from stack.docker.publisher import describe_holder
from stack.errors import EnvironmentFault, LabError, NotRunning
from stack.lab import Lab
from stack.local import limits as local_limits
from stack.local.programs import postgres_directory, redis_server
from stack.ports import HELD_HINT, is_free
from stack.refusals import explain, hint_for
from stack.settings import StackSettings, inherited_env
from stack.spec.runtime import RuntimeKind

#: `failed`: the lab can't run. `warning`: it can, but the user should know about it.
Outcome = Literal["ok", "warning", "failed"]

_PYTHON: Final = (3, 11)
#: Free bytes that a lab should have, and those that it can't start without.
_ENOUGH: Final = 1 << 30
_LEAST: Final = 200 << 20
#: Seconds for a program to print its version.
_ANSWER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    #: Stable short name, for JSON: `python`, `state directory`, `port 8000`.
    check: str
    outcome: Outcome
    detail: str
    #: What to do; empty if nothing has to be done.
    hint: str = ""


def examine(lab: Lab) -> Iterator[Finding]:
    """Check what this lab needs of the machine; yields findings as they are made. Faults become findings."""
    yield _python()
    yield _user(lab.kind)
    if lab.kind == "local":
        yield _allowed("open files", local_limits.files())
    yield _state_directory(lab.directory.parent)
    yield _space(lab.directory.parent)
    if lab.kind == "local":
        yield _program("postgres", lambda: postgres_directory() / "postgres")
        yield _redis(StackSettings.from_env())
    yield from _ports(lab)
    yield _docker(lab.kind)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON:
        return Finding("python", "failed", version, "install Python 3.11 or newer")
    return Finding("python", "ok", version)


def _allowed(check: str, fault: EnvironmentFault | None) -> Finding:
    if fault is None:
        return Finding(check, "ok", "enough")
    return Finding(check, "failed", fault.message, fault.hint)


def _user(kind: RuntimeKind) -> Finding:
    # In Docker, PostgreSQL runs as its image's own user.
    if kind == "local" and (fault := local_limits.user()):
        return Finding("user", "failed", fault.message, fault.hint)
    if os.geteuid() != 0 or kind == "docker":
        return Finding("user", "ok", f"uid {os.geteuid()}")
    return Finding(
        "user",
        "warning",
        "root: PostgreSQL runs as the user `nobody`, everything else as root",
        "on a machine with other users, run labctl as an ordinary user: the lab's Redis has no password",
    )


def _state_directory(home: Path) -> Finding:
    try:
        # The search for the nearest directory would pass over a file that is in the way.
        if (blocking := next((path for path in (home, *home.parents) if path.exists()), home)).is_file():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(blocking))
        with tempfile.TemporaryFile(dir=_nearest_existing(home)):
            return Finding("state directory", "ok", str(home))
    except OSError as error:
        return Finding("state directory", "failed", explain(error, home), hint_for(error))


def _space(home: Path) -> Finding:
    try:
        free = shutil.disk_usage(_nearest_existing(home)).free
    except OSError as error:
        return Finding("space", "warning", f"unknown: {error.strerror or error}")
    detail = f"{free / (1 << 30):.1f} GiB free"
    if free >= _ENOUGH:
        return Finding("space", "ok", detail)
    hint = "free some space, or name a directory on another disk in LABCTL_HOME"
    return Finding("space", "warning" if free >= _LEAST else "failed", detail, hint)


def _nearest_existing(path: Path) -> Path:
    return next((parent for parent in (path, *path.parents) if parent.is_dir()), Path("/"))


def _program(name: str, find: Callable[[], Path]) -> Finding:
    try:
        done = subprocess.run(
            [str(find()), "--version"],
            env=inherited_env(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except LabError as error:
        return Finding(name, "failed", error.message, error.hint)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name, "failed", str(error), "reinstall labctl on this machine")
    printed = (done.stdout or done.stderr).strip().partition("\n")[0]
    if done.returncode != 0:
        return Finding(name, "failed", printed or "it does not run", "reinstall labctl on this machine")
    # Redis adds checksums and the allocator, too long for a line.
    return Finding(name, "ok", printed.partition(" sha=")[0])


def _redis(settings: StackSettings) -> Finding:
    if fault := local_limits.redis(settings):
        return Finding("redis", "failed", fault.message, fault.hint)
    return _program("redis", lambda: redis_server(settings.redis_server))


def _ports(lab: Lab) -> Iterator[Finding]:
    try:
        ports = {name: int(url.rpartition(":")[2].partition("/")[0]) for name, url in lab.urls().items()}
        own = {seen.port for seen in lab.status().values() if seen.pid is not None}
    except NotRunning as error:
        yield Finding("ports", "ok", f"{error.message}; `labctl up` finds free ports")
        return
    except LabError as error:
        yield Finding("ports", "failed", error.message, error.hint)
        return
    for name, port in ports.items():
        yield _port(name, port, is_own=port in own)


def _port(name: str, port: int, *, is_own: bool) -> Finding:
    check = f"port {port}"
    if is_own:
        return Finding(check, "ok", f"{name} of this lab")
    if is_free(port):
        return Finding(check, "ok", f"free for {name}")
    return Finding(check, "failed", f"needed for {name}, held by {describe_holder(port)}", HELD_HINT)


def _docker(kind: RuntimeKind) -> Finding:
    """A missing engine is a fault only if the lab runs in Docker."""
    try:
        with (
            closing(connect(StackSettings.from_env())) as client,
            map_docker_errors("the engine does not answer"),
        ):
            return Finding("docker", "ok", f"engine {client.version()['Version']} answers")
    except EnvironmentFault as error:
        if kind == "docker":
            return Finding("docker", "failed", error.message, error.hint)
        if isinstance(error, NoEngine):
            return Finding("docker", "ok", "no engine answers; this lab does not need one")
        return Finding("docker", "warning", f"{error.message}; this lab does not need one", error.hint)
