"""The directory of one lab: whether it is one, and how it goes away."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from stack import lab_state, lock
from stack.errors import StateUnusable
from stack.state_files import usable
from stack.topology import CORE

#: Records of what was run in the lab; they go with it.
RUNS: Final = "runs"
_PROCESSES: Final = tuple(f"{name}.json" for name in CORE)


def holds_lab(directory: Path) -> bool:
    """Whether a lab was started there and not taken away, be it broken."""
    return (directory / lab_state.FILE).exists() or holds_processes(directory)


def holds_processes(directory: Path) -> bool:
    """Whether a lab of local processes was started there: the runtime records each."""
    return any((directory / name).exists() for name in _PROCESSES)


def ports_of_labs(home: Path) -> frozenset[int]:
    """Ports that the labs there have chosen, be they up or not."""
    found: set[int] = set()
    for directory in home.glob("*/"):
        with suppress(StateUnusable):
            if state := lab_state.load(directory):
                found.update(state.ports.values())
    return frozenset(found)


def check_unclaimed(directory: Path) -> None:
    """Refuse to settle among somebody else's files: `down` would take directories of ours away again.

    Raises:
        StateUnusable: the directory of a new lab holds something.
    """
    if holds_lab(directory):
        return
    with usable(directory):
        foreign = sorted(path.name for path in directory.iterdir()) if directory.exists() else []
    # A lock alone is that of a labctl that is about to start the same lab; records of runs are also kept of
    # labs that compose started.
    if set(foreign) - {lock.FILE, RUNS}:
        raise StateUnusable(
            f"{directory} holds something that is no lab's: {', '.join(foreign[:3])}",
            hint="choose another --name, or another state directory in LABCTL_HOME",
        )


def forget_runs(directory: Path) -> None:
    """Remove what was recorded of a lab that compose started, and took away itself."""
    if (directory / RUNS).is_dir():
        take_away(directory)


def take_away(directory: Path) -> None:
    """Remove what the lab itself keeps there, and the directory where nothing else is in it."""
    with usable(directory):
        with suppress(FileNotFoundError):
            shutil.rmtree(directory / RUNS)
        for path in (*directory.glob(".*.json.*"), directory / lab_state.FILE, directory / lock.FILE):
            path.unlink(missing_ok=True)
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()
