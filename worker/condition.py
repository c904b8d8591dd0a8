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
class Said:
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
        self._said = Said()
        self._since = clock()
        self._statement: float | None = None
        #: Reason and code of a problem that does not stop flushing; ('', '') if there is none.
        self.note = ("", "")
        self.changed = threading.Event()

    @property
    def said(self) -> Said:
        return self._said

    def become(self, state: State, reason: str = "", code: str = "") -> None:
        """Enter `state`. If it is the current one, only the reason changes, not when it began.
        `stopping` is final."""
        with self._lock:
            self._become(Said(state, reason, code))

    def rest(self) -> None:
        """Nothing is due. A problem stays until something was written, or nothing is left to write."""
        with self._lock:
            if self._said.state == "flushing":
                self._become(Said("idle"))

    def begin(self) -> None:
        """A statement begins. A problem stays until a statement succeeds."""
        with self._lock:
            self._statement = self._clock()
            if self._said.state in ("idle", "suspended"):
                self._become(Said("flushing"))

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
                self._become(Said(state, reason, "55P03" if blockers else "silent", tuple(blockers)))

    def blocked(self, reason: str) -> None:
        """A statement gave up waiting for a lock. If its holder is known already, that is kept."""
        with self._lock:
            if self._said.state != "blocked":
                self._become(Said("blocked", reason, "55P03"))

    def document(self, facts: dict[str, object]) -> bytes:
        """`facts` and the current state, as a JSON object."""
        with self._lock:
            said, for_ms = self._said, int(1000 * (self._clock() - self._since))
        if said.state in _FLEETING and not said.reason:
            said = replace(said, reason=self.note[0], code=self.note[1])
        return json.dumps(facts | asdict(said) | {"for_ms": for_ms}).encode()

    def _become(self, said: Said) -> None:
        if self._said.state == "stopping":
            return
        before, self._said = self._said, said
        if before.state != said.state:
            self._since = self._clock()
        if before != said and not {before.state, said.state} <= _FLEETING:
            self.changed.set()
