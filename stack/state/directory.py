"""The state directory of one lab: whether it holds a lab, and how it is removed."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from stack.errors import StateUnusable
from stack.spec.services import CORE
from stack.state import kept_settings, lock
from stack.state import lab as lab_state
from stack.state.files import map_os_errors

#: Undo logs: what each run has changed and not restored yet; see `stack.undo_log`.
UNDO_LOGS: Final = "run-*.json"
_PROCESSES: Final = tuple(f"{name}.json" for name in CORE)


def holds_lab(directory: Path) -> bool:
    """Whether a lab was started there and not removed since, even if it is broken."""
    return (directory / lab_state.FILE).exists() or holds_processes(directory)


def holds_processes(directory: Path) -> bool:
    """Whether a lab of local processes was started there: the runtime records each."""
    return any((directory / name).exists() for name in _PROCESSES)


def ports_of_labs(home: Path) -> frozenset[int]:
    """Ports that the labs there have chosen, whether they are up or not."""
    ports: set[int] = set()
    for directory in home.glob("*/"):
        with suppress(StateUnusable):
            if state := lab_state.load(directory):
                ports.update(state.ports.values())
    return frozenset(ports)


def check_unclaimed(directory: Path) -> None:
    """Refuse a directory with other files: `down` removes directories that the lab made there.

    Raises:
        StateUnusable: the directory of a new lab holds files that are not a lab's.
    """
    if holds_lab(directory):
        return
    with map_os_errors(directory):
        foreign = sorted(path.name for path in directory.iterdir()) if directory.exists() else []
    # A lock without a lab belongs to a labctl that is about to start the same lab. Settings are also kept for
    # labs that compose started.
    ours = (lock.FILE, kept_settings.FILE)
    strange = [name for name in foreign if name not in ours and not _is_undo_log(name)]
    if strange:
        raise StateUnusable(
            f"{directory} holds files that do not belong to a lab: {', '.join(strange[:3])}",
            hint="choose another --name, or another state directory in LABCTL_HOME",
        )


def forget_settings(directory: Path) -> None:
    """Remove what was kept for a lab that compose started, and has removed itself."""
    if (directory / kept_settings.FILE).exists():
        take_away(directory)


def take_away(directory: Path) -> None:
    """Remove what the lab keeps there, and the directory if nothing else is in it."""
    with map_os_errors(directory):
        files = (lab_state.FILE, kept_settings.FILE, lock.FILE)
        leftovers = (path for pattern in (".*.json.*", UNDO_LOGS) for path in directory.glob(pattern))
        for path in (*leftovers, *(directory / name for name in files)):
            path.unlink(missing_ok=True)
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def _is_undo_log(name: str) -> bool:
    return Path(name).match(UNDO_LOGS)
