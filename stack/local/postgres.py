"""What PostgreSQL needs on this machine: a data directory, and an owner other than root."""

import ctypes
import logging
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from stack.errors import EnvironmentFault, StateUnusable
from stack.local.programs import POSTGRES_MAJOR, postgres_directory
from stack.local.unprivileged import NOBODY
from stack.spec.hints import labctl
from stack.state.files import map_os_errors

_log = logging.getLogger(__name__)

#: Seconds for creating a data directory.
_CREATE_SECONDS: Final = 60.0
#: Only the lab's user can log in, and only from this machine. The superuser can't log in at all.
_ACCESS: Final = "host all {user} 127.0.0.1/32 scram-sha-256\n"
_IPC_RMID: Final = 0
#: Programs that work on an unfinished data directory; initdb goes through a shell.
_MAKERS: Final = frozenset({"initdb", "postgres", "sh"})
#: Seconds until a killed process is gone.
_KILL_SECONDS: Final = 5.0


def prepare(data: Path, credentials: Mapping[str, str], env: Mapping[str, str]) -> None:
    """Create the data directory unless it exists: completely or not at all.

    Args:
        data: The data directory.
        credentials: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB.
        env: The environment of the programs that make it.

    Raises:
        StateUnusable: another version of PostgreSQL made it, or it can't be made.
    """
    if (data / "PG_VERSION").exists():
        _check_version(data)
        forget_dead_server(data)
        return
    with map_os_errors(data):
        end_abandoned(data)
        new = _unfinished(data)
        shutil.rmtree(new, ignore_errors=True)
        if data.exists():
            data.rmdir()
        new.mkdir(mode=0o700, parents=True)
        if os.geteuid() == 0:
            os.chown(new, NOBODY, NOBODY)
        _create(new, credentials, env)
        new.rename(data)


def _unfinished(data: Path) -> Path:
    """Where a data directory is made, before it is renamed into place."""
    return data.with_name(f"{data.name}.new")


def end_abandoned(data: Path) -> None:
    """End an initdb that a killed labctl left running."""
    killed = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error, OSError):
            ours = process.info["name"] in _MAKERS and process.cwd() == str(_unfinished(data))
            if ours:
                process.kill()
                killed.append(process)
    psutil.wait_procs(killed, timeout=_KILL_SECONDS)


def command(program: str, data: Path, args: Sequence[str]) -> list[str]:
    """The command line that runs one of PostgreSQL's programs on the data directory; under root, as `nobody`.

    Raises:
        EnvironmentFault: root can't run it on this system.
    """
    directory = postgres_directory()
    own = [str(directory / program), *args]
    if os.geteuid() != 0:
        return own
    if sys.platform != "linux":
        raise EnvironmentFault(
            "PostgreSQL does not run as root, and labctl can start it as another user only on Linux",
            hint="run labctl as an ordinary user",
        )
    launcher = Path(__file__).with_name("unprivileged.py")
    return [sys.executable, "-I", "-S", str(launcher), _need(directory, data), *own]


def forget_dead_server(data: Path) -> None:
    """Remove what a killed server left: the segment of shared memory that identifies it, and its pid file,
    which keeps the next server from starting if another process has that pid by now."""
    with suppress(OSError, ValueError, IndexError, AttributeError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        if _serves(int(lines[0]), data):
            return
        # The seventh line: key and id of the segment (PostgreSQL's miscinit.c).
        key, segment = map(int, lines[6].split())
        libc = ctypes.CDLL(None)
        # After a restart of the machine, that id may belong to another program's segment.
        if libc.shmget(ctypes.c_int(key), 0, 0) == segment:
            libc.shmctl(segment, _IPC_RMID, None)
        (data / "postmaster.pid").unlink()


def _serves(pid: int, data: Path) -> bool:
    """Whether this process is a server on the data directory; True if that can't be found out."""
    try:
        return psutil.Process(pid).cwd() == str(data)
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    except psutil.AccessDenied:
        return True


def _check_version(data: Path) -> None:
    with map_os_errors(data):
        version = (data / "PG_VERSION").read_text().strip()
    if version != POSTGRES_MAJOR:
        raise StateUnusable(
            f"{data} was made by PostgreSQL {version}, but this labctl runs PostgreSQL {POSTGRES_MAJOR}",
            hint=f"remove the lab and its data with {labctl('down')}, then make one with {labctl('up')}",
        )


def _create(new: Path, credentials: Mapping[str, str], env: Mapping[str, str]) -> None:
    user, password, database = (credentials[f"POSTGRES_{name}"] for name in ("USER", "PASSWORD", "DB"))
    create = (
        *("-D", str(new), "-U", "postgres", "--auth=reject", "--encoding=UTF8", "--locale=C"),
        *("--no-sync", "--no-instructions"),
    )
    _run(command("initdb", new, create), "", env, new)
    # There is no server yet: single-user mode, where an empty line ends a statement.
    statements = (
        f"CREATE ROLE {user} LOGIN CREATEDB PASSWORD '{password}';\n\n"
        f"GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO {user};\n\n"
        f"CREATE DATABASE {database} OWNER {user};\n\n"
    )
    single = ("--single", "-j", "-F", "-D", str(new), "postgres")
    _run(command("postgres", new, single), statements, env, new)
    (new / "pg_hba.conf").write_text(_ACCESS.format(user=user))


def _run(argv: Sequence[str], script: str, env: Mapping[str, str], directory: Path) -> None:
    _log.debug("running %s", shlex.join(argv))
    try:
        done = subprocess.run(
            argv,
            input=script,
            env=dict(env),
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=_CREATE_SECONDS,
            check=False,
            # labctl handles Ctrl-C: it lets this end, then removes what it made.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise StateUnusable(
            f"the database could not be created within {_CREATE_SECONDS:g} s",
            hint=f"the disk may be full or very slow: {labctl('doctor')} checks it",
        ) from error
    _log.debug("exit code %d", done.returncode)
    if done.returncode != 0 or "ERROR:" in done.stdout or "FATAL:" in done.stdout:
        raise _failed(done.stdout)


def _failed(output: str) -> EnvironmentFault:
    """The error for a creation that failed with this output."""
    what = "the database could not be created"
    # The system reports "No space left on device" for this as well, though no disk is full.
    if "shmget(" in output:
        return EnvironmentFault(
            f"{what}: this machine has no segment of shared memory left (kernel.shmmni)",
            hint="`ipcs -m` shows who holds them, `ipcrm -m ID` gives one back; or raise the limit: "
            "`sysctl kernel.shmmni=4096`",
        )
    full = "No space left on device"
    reason = full if full in output else "\n".join(output.strip().splitlines()[-5:])
    return StateUnusable(
        f"{what}: {reason}",
        hint=f"{labctl('doctor')} checks space and permissions; LABCTL_HOME moves the state directory",
    )


def _need(directory: Path, data: Path) -> str:
    """Which capability over files the user `nobody` needs to run it; see unprivileged.py."""
    program = directory / "postgres"
    if not _open_to_all(program, stat.S_IROTH | stat.S_IXOTH):
        return "override"
    parents = {*program.parents, *data.parents, directory.parent / "share"}
    return "none" if all(_open_to_all(parent, stat.S_IXOTH) for parent in parents) else "search"


def _open_to_all(path: Path, wanted: int) -> bool:
    with suppress(OSError):
        return path.stat().st_mode & wanted == wanted
    return False
