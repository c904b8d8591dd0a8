"""Watches two things while any scenario plays: the live settings, and whether flushing is stuck."""

import threading
from collections.abc import Generator
from contextlib import closing
from typing import Final

from scenarios.events import Event
from scenarios.scenario import Conclusion
from stack.converge.restore import remember
from stack.errors import Inconclusive
from stack.lab import Lab
from stack.spec.events import StackEvent
from stack.spec.hints import labctl

#: A look costs a tenth of a millisecond.
_LOOK_INTERVAL_S: Final = 0.25
#: How long flushing must have been stuck before a demo ends as inconclusive.
_STUCK_AFTER_MS: Final = 3_000


class Watch:
    """A thread that looks at a lab a few times a second. A context manager."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._ended = threading.Event()
        self._notes: list[StackEvent] = []
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="watch of the lab", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def notes(self) -> Generator[StackEvent]:
        """What happened since the last call."""
        while self._notes:
            yield self._notes.pop(0)

    @property
    def trouble(self) -> str:
        """Why flushing has been stuck for a while; empty if it is not."""
        return self._trouble

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_INTERVAL_S):
            self._notes.extend(remember(self._lab))
            condition = self._lab.condition()
            stuck = (
                [w for w in condition.workers if w.stuck and w.for_ms >= _STUCK_AFTER_MS] if condition else []
            )
            self._trouble = stuck[0].trouble() if stuck else ""


def watched(
    play: Generator[Event, None, Conclusion], lab: Lab, *, gives_up: bool
) -> Generator[Event, None, Conclusion]:
    """The play, and between its events what was noted about the lab.

    Args:
        gives_up: Whether the play is ended once flushing is stuck.

    Raises:
        Inconclusive: flushing is stuck, and `gives_up`.
    """
    with closing(play), Watch(lab) as watch:
        while True:
            try:
                event = next(play)
            except StopIteration as end:
                yield from watch.notes()
                conclusion: Conclusion = end.value
                return conclusion
            yield event
            yield from watch.notes()
            if gives_up and watch.trouble:
                raise Inconclusive(
                    f"acknowledged writes do not reach PostgreSQL: {watch.trouble}",
                    hint=f"{labctl('status')} says what can be done",
                )
