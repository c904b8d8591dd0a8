"""A worker's state: what it does, since when, and what stops it. The flusher and the watch share it."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from service.writebehind.workers import Blocker, State

#: States that change many times a second: such a change is not published at once.
_FLEETING: Final = frozenset({"idle", "flushing"})


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker publishes about itself."""

    state: State = "idle"
    #: Why it is in this state, as a sentence; '' if that needs no explanation.
    reason: str = ""
    #: SQLSTATE, or a short word for what is wrong.
    code: str = ""
    blocked_by: tuple[Blocker, ...] = ()


class Condition:
    """The current state. `changed` is set whenever it should be published at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._report = Report()
        self._since = clock()
        self._statement: float | None = None
        #: Reason and code of a problem that does not stop flushing; ('', '') if there is none.
        self.note = ("", "")
        self.changed = threading.Event()

    @property
    def report(self) -> Report:
        return self._report

    def become(self, state: State, reason: str = "", code: str = "") -> None:
        """Enter `state`. If it is the current one, only the reason changes, not when it began.
        `stopping` is final."""
        with self._lock:
            self._become(Report(state, reason, code))

    def rest(self) -> None:
        """Nothing is due. A problem stays until something was written, or nothing is left to write."""
        with self._lock:
            if self._report.state == "flushing":
                self._become(Report("idle"))

    def begin(self) -> None:
        """A statement begins. A problem stays until a statement succeeds."""
        with self._lock:
            self._statement = self._clock()
            if self._report.state in ("idle", "suspended"):
                self._become(Report("flushing"))

    def end(self) -> None:
        """The statement has ended, successfully or not."""
        with self._lock:
            self._statement = None

    def running_for(self) -> tuple[float | None, float]:
        """When the running statement began (None if there is none), and how long it has run, in s."""
        with self._lock:
            began = self._statement
            return began, 0.0 if began is None else self._clock() - began

    def hold_up(self, statement: float, state: State, reason: str, blockers: Sequence[Blocker] = ()) -> None:
        """`statement` hangs. Nothing changes if it has ended meanwhile."""
        with self._lock:
            if self._statement == statement:
                self._become(Report(state, reason, "55P03" if blockers else "silent", tuple(blockers)))

    def blocked(self, reason: str) -> None:
        """A statement gave up waiting for a lock. If its holder is known already, that is kept."""
        with self._lock:
            if self._report.state != "blocked":
                self._become(Report("blocked", reason, "55P03"))

    def document(self, facts: dict[str, object]) -> bytes:
        """`facts` and the current state, as a JSON object."""
        with self._lock:
            report, for_ms = self._report, int(1000 * (self._clock() - self._since))
        if report.state in _FLEETING and not report.reason:
            report = replace(report, reason=self.note[0], code=self.note[1])
        return json.dumps(facts | asdict(report) | {"for_ms": for_ms}).encode()

    def _become(self, report: Report) -> None:
        if self._report.state == "stopping":
            return
        before, self._report = self._report, report
        if before.state != report.state:
            self._since = self._clock()
        if before != report and not {before.state, report.state} <= _FLEETING:
            self.changed.set()
