"""One JSON document at the end, nothing before it."""

from typing import TextIO

from labctl.render.json_text import write_document
from labctl.runs.record import SCHEMA, SEVERITY, RunRecord
from scenarios.events import Event, ScenarioFinished, ScenarioStarted


class JsonRenderer:
    """Collects runs; `close` writes one run's document, or one of all of them."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._runs: list[RunRecord] = []
        self._current: RunRecord | None = None

    def on(self, event: Event) -> None:
        """Take the event into the current run's record; events outside a run are ignored."""
        if isinstance(event, ScenarioStarted):
            self._current = RunRecord()
        if self._current is None:
            return
        self._current.on(event)
        if isinstance(event, ScenarioFinished):
            self._runs.append(self._current)
            self._current = None

    def close(self) -> None:
        """Write the document, if a run has ended."""
        runs, self._runs = [run.document for run in self._runs], []
        if len(runs) == 1:
            write_document(self._out, runs[0])
        elif runs:
            outcome = max((run["outcome"] for run in runs), key=SEVERITY.index)
            write_document(self._out, {"schema": SCHEMA, "scenario": "all", "outcome": outcome, "runs": runs})
