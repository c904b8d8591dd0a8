"""The command `labctl`: it drops the caller's environment, then runs.

Nothing else of ours is imported before Python itself is known to be good: a folder named `stack` on
`PYTHONPATH` would take the place of our own package.
"""

import importlib.util
import os
import sys
from collections.abc import Mapping
from typing import Final

#: Variables that have already influenced this process.
_STEERING: Final = ("PYTHON", "LD_", "DYLD_", "MALLOC_", "GLIBC_", "GCONV_")
#: Harmless ones among them, which are often set for a whole machine.
_HARMLESS: Final = frozenset(
    {
        *("PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER", "PYTHONHASHSEED", "PYTHONNOUSERSITE"),
        *("PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED", "PYTHONUSERBASE", "PYTHONUTF8"),
    }
)


def main() -> int:
    """Run one command; the exit code as in the README."""
    if importlib.util.find_spec("fcntl") is None:
        sys.stderr.write(
            "labctl: this system has no locks, signals and terminals as Linux and macOS have them\n"
            "  what to do: on Windows, install WSL 2 (`wsl --install`) and run labctl inside it\n"
        )
        return 4
    if steered(os.environ):
        rest = {name: value for name, value in os.environ.items() if not _steers(name)}
        os.execve(sys.executable, [sys.executable, "-P", "-m", "labctl", *sys.argv[1:]], rest)
    from labctl.__main__ import main as run

    leave_behind()
    return run()


def steered(env: Mapping[str, str]) -> bool:
    """Whether Python has to be restarted without some variables of this environment."""
    return any(map(_steers, env))


def _steers(name: str) -> bool:
    return name.startswith(_STEERING) and name not in _HARMLESS


def leave_behind() -> None:
    """Remove from the environment whatever the allow-list does not name."""
    from stack import environment

    for name in set(os.environ) - set(environment.own(os.environ)):
        del os.environ[name]
