"""Live settings that a run changes for a while, and the promise that they are put back."""

from collections.abc import Iterable, Mapping

from scenarios.lab.context import Run


class Borrowed:
    """A context manager: at its end, the live settings are as they were. If the run is killed, the next
    command puts them back.

    Example:
        with Borrowed(run, ["batch_size"]):
            run.client.change_config({"batch_size": 1})
    """

    def __init__(self, run: Run, settings: Iterable[str]) -> None:
        """
        Args:
            settings: The names of all settings that the run may change. Those of failures on purpose are the
                `Injector`'s, unless the run changes them itself.
        """
        self._run = run
        self._settings = list(dict.fromkeys(settings))
        self._before: Mapping[str, str] = {}

    def __enter__(self) -> "Borrowed":
        if self._settings:
            self._before = self._run.probe.live_settings()
            self._run.journal.note_settings(self._before, self._settings)
        return self

    def put_back(self) -> None:
        """Put them back before the end."""
        if self._settings:
            self._run.probe.put_back(self._before, self._settings)

    def __exit__(self, *error: object) -> None:
        self.put_back()
        self._run.journal.clear()
