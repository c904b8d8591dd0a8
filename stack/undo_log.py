"""A record of what a run changes in its lab, written before the change. A killed run can't undo its changes,
so the next command does."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stack.errors import StateUnusable
from stack.local.process import ProcessId, identify, is_alive
from stack.state.directory import UNDO_LOGS
from stack.state.files import map_os_errors, read_json, write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanges:
    """What one run has changed and not restored yet."""

    #: The run's name: "demo retries".
    run: str = ""
    #: Live settings and what each was before; None where it was not set.
    settings: Mapping[str, str | None] = field(default_factory=dict)
    #: Services that the run stops, kills or freezes.
    services: tuple[str, ...] = ()
    #: Whether the run's dead letters are to be put back into the queue.
    dead_letters: bool = False

    def __bool__(self) -> bool:
        return bool(self.settings or self.services or self.dead_letters)


class UndoLog:
    """The log of this process's run. Every method raises `StateUnusable` if it can't be written."""

    def __init__(self, directory: Path, run: str) -> None:
        self._path = directory / f"run-{os.getpid()}.json"
        self._changes = RunChanges(run=run)

    def note_settings(self, before: Mapping[str, str], names: Iterable[str]) -> None:
        """Note that the run is about to change these live settings temporarily.

        Args:
            before: The live settings as they are.
            names: Those that will change.
        """
        was = {name: before.get(name) for name in names}
        self._note(replace(self._changes, settings={**was, **self._changes.settings}))

    def note_services(self, *services: str) -> None:
        """Note that the run is about to stop, kill or freeze these services temporarily."""
        self._note(replace(self._changes, services=(*self._changes.services, *services)))

    def note_dead_letters(self) -> None:
        """Note that the run is about to make dead letters, which go back into the queue."""
        self._note(replace(self._changes, dead_letters=True))

    @property
    def changes(self) -> RunChanges:
        """What is noted now."""
        return self._changes

    def go_back(self, changes: RunChanges) -> None:
        """Forget what was noted since these were: a part of the run has undone its own changes."""
        if changes:
            self._note(changes)
        else:
            self.clear()

    def clear(self) -> None:
        """Forget the changes: everything is as it was."""
        self._changes = RunChanges(run=self._changes.run)
        with map_os_errors(self._path):
            self._path.unlink(missing_ok=True)

    def _note(self, changes: RunChanges) -> None:
        me = identify(os.getpid())
        assert me is not None, "this process lives"
        with map_os_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(
            self._path,
            {
                "pid": me.pid,
                "birth": me.start_time,
                "run": changes.run,
                "settings": dict(changes.settings),
                "services": list(changes.services),
                "dead_letters": changes.dead_letters,
            },
        )
        self._changes = changes


@dataclass(frozen=True, slots=True)
class Noted:
    """The undo log of one run."""

    path: Path
    owner: ProcessId
    changes: RunChanges

    @property
    def abandoned(self) -> bool:
        """Whether its run has ended without undoing its changes."""
        return not is_alive(self.owner)


def undo_logs(directory: Path) -> Iterator[Noted]:
    """The undo logs of all runs on the lab there. One that can't be read belongs to no living run."""
    for path in sorted(directory.glob(UNDO_LOGS)):
        with suppress(StateUnusable, KeyError, TypeError, ValueError, AttributeError):
            if content := read_json(path):
                yield Noted(path, ProcessId(int(content["pid"]), str(content["birth"])), _parse(content))


def borrowed_settings(directory: Path) -> dict[str, str | None]:
    """Live settings that runs have changed temporarily, and what each was before; None if it was not set."""
    return {name: was for noted in undo_logs(directory) for name, was in noted.changes.settings.items()}


def _parse(content: Mapping[str, Any]) -> RunChanges:
    settings = {str(name): None if was is None else str(was) for name, was in content["settings"].items()}
    return RunChanges(
        run=str(content["run"]),
        settings=settings,
        services=tuple(map(str, content["services"])),
        dead_letters=bool(content["dead_letters"]),
    )
