"""The directory of one lab: whether it is one, and how it goes away."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from stack.errors import StateUnusable
from stack.spec.services import CORE
from stack.state import kept_settings, lock
from stack.state import lab as lab_state
from stack.state.files import map_os_errors

#: Undo logs of runs: what each has changed and not put back yet; see `stack.undo_log`.
UNDO_LOGS: Final = "run-*.json"
#: Records of what was run in the lab; they go with it.
RUNS: Final = "runs"
#: What is also kept of a lab that compose started.
_KEPT_OF_ANY: Final = (RUNS, kept_settings.FILE)
_PROCESSES: Final = tuple(f"{name}.json" for name in CORE)


def holds_lab(directory: Path) -> bool:
    """Whether a lab was started there and not taken away, even if it is broken."""
    return (directory / lab_state.FILE).exists() or holds_processes(directory)


def holds_processes(directory: Path) -> bool:
    """Whether a lab of local processes was started there: the runtime records each."""
    return any((directory / name).exists() for name in _PROCESSES)


def ports_of_labs(home: Path) -> frozenset[int]:
    """Ports that the labs there have chosen, whether they are up or not."""
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
    with map_os_errors(directory):
        foreign = sorted(path.name for path in directory.iterdir()) if directory.exists() else []
    # A lock alone is that of a labctl that is about to start the same lab; what was run and set is also kept
    # of labs that compose started.
    strange = [name for name in foreign if name not in (lock.FILE, *_KEPT_OF_ANY) and not _is_journal(name)]
    if strange:
        raise StateUnusable(
            f"{directory} holds something that does not belong to a lab: {', '.join(strange[:3])}",
            hint="choose another --name, or another state directory in LABCTL_HOME",
        )


def forget_runs(directory: Path) -> None:
    """Remove what was recorded of a lab that compose started, and took away itself."""
    if any((directory / name).exists() for name in _KEPT_OF_ANY):
        take_away(directory)


def take_away(directory: Path) -> None:
    """Remove what the lab itself keeps there, and the directory where nothing else is in it."""
    with map_os_errors(directory):
        with suppress(FileNotFoundError):
            shutil.rmtree(directory / RUNS)
        known = (lab_state.FILE, kept_settings.FILE, lock.FILE)
        leftovers = (path for pattern in (".*.json.*", UNDO_LOGS) for path in directory.glob(pattern))
        for path in (*leftovers, *(directory / name for name in known)):
            path.unlink(missing_ok=True)
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def _is_journal(name: str) -> bool:
    return Path(name).match(UNDO_LOGS)
