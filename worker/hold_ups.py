"""Notices a flush that hangs, and finds out why while it still hangs."""

import threading
from collections.abc import Callable
from typing import Final

from service.writebehind.errors import WriteBehindError
from worker.blockers import Blockers
from worker.condition import Condition

#: Time between looks.
_LOOK_S: Final = 0.25
#: A statement that runs longer is looked into.
_LONG_S: Final = 0.5


class HoldUps:
    """A thread of its own, because PostgreSQL may take long to answer."""

    def __init__(
        self, condition: Condition, blockers: Blockers, backend_pids: Callable[[], list[int]]
    ) -> None:
        self._condition = condition
        self._blockers = blockers
        self._backend_pids = backend_pids
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hold-ups", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop looking, without waiting for a question that hangs."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self._look()
        self._blockers.close()

    def _look(self) -> None:
        statement, seconds = self._condition.running_for()
        if statement is None or seconds < _LONG_S:
            return
        try:
            blockers = self._blockers.of(self._backend_pids())
        except WriteBehindError:
            self._condition.hold_up(statement, "paused", "PostgreSQL does not answer")
            return
        if blockers:
            waits = f"waits for a lock of {' and '.join(map(str, blockers))}"
            self._condition.hold_up(statement, "blocked", waits, blockers)
