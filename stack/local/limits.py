"""Limits that the local runtime needs from the machine, shell, container or namespace that labctl runs in.

Each check returns what is wrong as an error to raise, or None: `up` raises it before anything is started,
`doctor` shows it.
"""

import os
import pwd
import re
import resource
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from stack.errors import EnvironmentFault
from stack.local.programs import redis_server
from stack.local.unprivileged import NOBODY
from stack.settings import StackSettings, inherited_env
from stack.spec.service import ServiceSpec

#: Open files: what a process of the lab needs at least, and what it gets if the limit allows.
_LEAST_FILES: Final = 256
_FILES: Final = 10_240
#: Linux capabilities (capabilities(7)) by number: changing a file's owner, and becoming another user.
_NEEDED: Final = {"CHOWN": 0, "SETGID": 6, "SETUID": 7}
#: The first Redis that the lab's scripts run on; Valkey began at 7.2.
_REDIS_MAJOR: Final = 7
_VERSION: Final = re.compile(r"\bv=(\d+)\.(\d+)")
#: Seconds for a program to print its version.
_ANSWER_SECONDS: Final = 5.0


def require(settings: StackSettings, specs: Mapping[str, ServiceSpec]) -> None:
    """Check what the services to be started need, and raise the limits that may be raised.

    Raises:
        EnvironmentFault: something is not allowed, or too old.
    """
    allow_files()
    faults = [files()]
    if "postgres" in specs:
        faults.append(user())
    if "redis" in specs:
        faults.append(redis(settings))
    for fault in faults:
        if fault is not None:
            raise fault


def allow_files() -> None:
    """Raise the limit of open files for this process and those that it starts, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def files() -> EnvironmentFault | None:
    """What is wrong with the limit of open files: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= _LEAST_FILES:
        return None
    return EnvironmentFault(
        f"this shell allows a process {hard} open files, and the lab needs {_LEAST_FILES}",
        hint="raise the limit (`ulimit -n 1024`; root may need `ulimit -Hn 1024` first), then try again",
    )


def user() -> EnvironmentFault | None:
    """What keeps this user from running PostgreSQL: it refuses root, so root must become `nobody`."""
    if os.geteuid() != 0:
        return _unlisted()
    if sys.platform != "linux":
        return None
    reason = _unmapped() or _lacking()
    if not reason:
        return None
    return EnvironmentFault(
        f"PostgreSQL does not run as root, and root can't become another user here: {reason}",
        hint="run labctl as an ordinary user, or outside this namespace or container",
    )


def _unlisted() -> EnvironmentFault | None:
    """An error if this user has no entry in the list of users, as in a container with an arbitrary uid."""
    uid = os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return EnvironmentFault(
            f"PostgreSQL needs a user with a name, and uid {uid} does not have one on this machine",
            hint=f"add one as root (`useradd --uid {uid} lab`), or run labctl as another user",
        )
    return None


def _unmapped() -> str:
    """Why root can't become `nobody` here: in some user namespaces root is the only user."""
    for name in ("uid_map", "gid_map"):
        with suppress(OSError, ValueError):
            ranges = [
                tuple(map(int, line.split())) for line in Path(f"/proc/self/{name}").read_text().splitlines()
            ]
            if ranges and not any(first <= NOBODY < first + count for first, _, count in ranges):
                return "this user namespace has no user `nobody` (`unshare -r` creates one like that)"
    return ""


def _lacking() -> str:
    """Which capabilities root lacks to become another user; '' for none."""
    with suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text()
        held = int(status.partition("CapEff:")[2].split()[0], 16)
        lacking = [name for name, bit in _NEEDED.items() if not held >> bit & 1]
        return f"it lacks the capabilities {', '.join(lacking)}" if lacking else ""
    return ""


def redis(settings: StackSettings) -> EnvironmentFault | None:
    """What is wrong with the Redis that the user named; the bundled one is new enough."""
    if not settings.redis_server:
        return None
    try:
        program = redis_server(settings.redis_server)
        printed = _version(program)
    except EnvironmentFault as error:
        return error
    match = _VERSION.search(printed)
    if match is None:
        problem = f"is not a Redis or Valkey server (`--version` prints {printed[:60]!r})"
    elif int(match[1]) < _REDIS_MAJOR:
        problem = f"is Redis {match[1]}.{match[2]}, and the lab needs Redis {_REDIS_MAJOR} or a Valkey"
    else:
        return None
    return EnvironmentFault(
        f"LABCTL_REDIS_SERVER: {program} {problem}",
        hint="name a newer one, or unset LABCTL_REDIS_SERVER to use the bundled Valkey",
    )


def _version(program: Path) -> str:
    try:
        done = subprocess.run(
            [str(program), "--version"],
            env=inherited_env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFault(
            f"LABCTL_REDIS_SERVER: {program} does not run: {error}",
            hint="name another one, or unset LABCTL_REDIS_SERVER to use the bundled Valkey",
        ) from error
    return done.stdout.decode(errors="replace").strip()
