"""Commands that run beside a service of the local runtime, as they would run inside its container."""

import logging
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from stack.errors import DeadlinePassed, UsageError
from stack.local.programs import postgres_directory, redis_cli
from stack.spec.hints import labctl
from stack.spec.names import DATABASE, HOST, PASSWORD, USER
from stack.spec.runtime import ExecResult
from stack.spec.services import POSTGRES, REDIS
from stack.state.files import map_os_errors

_log = logging.getLogger(__name__)

#: Seconds that one command may take.
_SECONDS: Final = 300.0


def run(
    argv: Sequence[str],
    *,
    stdin: bytes,
    env: Mapping[str, str],
    directory: Path,
    ports: Mapping[str, int],
) -> ExecResult:
    """Run a command with `psql`, `pg_isready` and `redis-cli` on its path, pointed at the lab.

    Raises:
        UsageError: the program does not exist.
        DeadlinePassed: it did not end.
    """
    tools = _provide_tools(directory / "bin", ports.get("redis"))
    path = os.pathsep.join([str(tools), str(postgres_directory()), env.get("PATH", os.defpath)])
    begun = time.monotonic()
    try:
        done = subprocess.run(
            argv,
            env={**env, **_libpq(ports.get("postgres")), "PATH": path},
            cwd=directory,
            input=stdin,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no program {argv[0]!r}", hint="psql, pg_isready, redis-cli and python can be run"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise DeadlinePassed(
            f"{shlex.join(argv)} did not end within {_SECONDS:g} s",
            hint=f"run it by hand: {labctl('urls')} shows where the services are reached",
        ) from error
    took_ms = 1000 * (time.monotonic() - begun)
    _log.debug("ran %s: exit code %d, %.0f ms", shlex.join(argv), done.returncode, took_ms)
    return ExecResult.of(done.returncode, done.stdout, done.stderr)


def _provide_tools(tools: Path, redis_port: int | None) -> Path:
    """Write a redis-cli for the lab's Redis: the machine's own, or else our stand-in; its directory."""
    installed = redis_cli()
    program = [str(installed)] if installed else [sys.executable, "-m", "stack.local.redis_cli"]
    script = f'#!/bin/sh\nexec {shlex.join(program)} -h {HOST} -p {redis_port or REDIS.port} "$@"\n'
    wrapper = tools / "redis-cli"
    with map_os_errors(tools):
        tools.mkdir(exist_ok=True)
        if not wrapper.exists() or wrapper.read_text() != script:
            # Renamed into place, because another labctl may be running it right now.
            new = tools / f".redis-cli.{os.getpid()}"
            new.write_text(script)
            new.chmod(0o755)
            new.replace(wrapper)
    return tools


def _libpq(port: int | None) -> dict[str, str]:
    """libpq's variables, so that a bare `psql` reaches the lab's database."""
    return {
        "PGHOST": HOST,
        "PGPORT": str(port or POSTGRES.port),
        "PGUSER": USER,
        "PGPASSWORD": PASSWORD,
        "PGDATABASE": DATABASE,
    }
