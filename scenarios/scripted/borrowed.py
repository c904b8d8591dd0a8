"""What a run changes in its lab for a while, and the promise that it is put back."""

from collections.abc import Iterable
from types import TracebackType
from typing import Final

from scenarios.faults.action import TARGETS, Action
from scenarios.lab.context import Run

_FAILURES: Final = ("simulate_db_failure", "failure_rate")


class Borrowed:
    """A context manager: at its end, the live settings are as they were. If the run is killed, the next
    command puts everything back."""

    def __init__(self, run: Run, settings: Iterable[str], actions: Iterable[Action]) -> None:
        """
        Args:
            settings: The names of all settings that the run may change.
            actions: All faults that it may inject; someone else mends them.
        """
        self._run = run
        self._settings = list(dict.fromkeys(settings))
        actions = list(actions)
        away = {action.target for action in actions if action.takes_service_away}
        self._services = [target for target in TARGETS if target in away]
        self._fails = any(action.target == "failures" for action in actions)
        self._before: dict[str, str] = {}

    def __enter__(self) -> "Borrowed":
        self._before = self._run.probe.live_settings()
        self.note()
        return self

    def note(self) -> None:
        """Note everything for the next command. A load with faults forgets the notes when it ends."""
        journal = self._run.journal
        names = [*self._settings, *(_FAILURES if self._fails else ())]
        if names:
            journal.note_settings(self._before, names)
        if self._services:
            journal.note_services(*self._services)
        if self._fails:
            journal.note_dead_letters()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._settings:
            # Whoever mended the faults has forgotten the notes.
            self._run.journal.note_settings(self._before, self._settings)
            self._run.probe.put_back(self._before, self._settings)
        self._run.journal.clear()
