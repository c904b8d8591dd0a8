"""Is a row at fault, or PostgreSQL? That is decided by trying, not by a list of error codes.

If other rows pass and one is refused, that row is at fault. If every row is refused, PostgreSQL is.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from service.writebehind.errors import RowsRefused, StoreUnavailable
from service.writebehind.scripts.flushing import Claimed
from service.writebehind.store import Store
from worker.condition import Condition
from worker.rehearsal import rehearse
from worker.stopping import StopRequest

#: If good rows do not tell: this many single rows refused alike, with none passed, mean that PostgreSQL is at
#: fault.
_ENOUGH: Final = 8
#: How many rows of the batch are tried if trials of good rows say that PostgreSQL is at fault.
_SAMPLES: Final = 4
#: How long a part of a batch waits for a lock, once the whole batch has met one.
_LOCK_MS: Final = 100


class SystemRefuses(Exception):
    """PostgreSQL refuses every row, so no row is at fault. This error stays within the worker."""

    def __init__(self, error: RowsRefused) -> None:
        super().__init__(f"PostgreSQL refuses every row: {error} (SQLSTATE {error.sqlstate})")
        self.sqlstate = error.sqlstate
        #: The same without the values of rows.
        self.in_logs = f"PostgreSQL refuses every row: {error.in_logs}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that PostgreSQL refused."""

    row: Claimed
    error: RowsRefused
    #: Whether the row is known to be at fault, because others pass.
    certain: bool


class Sorting:
    """Writes one batch, split as far as necessary."""

    def __init__(
        self,
        store: Store,
        condition: Condition,
        stop: StopRequest,
        *,
        chance: random.Random,
        passed: Callable[[Sequence[Claimed], int], None],
    ) -> None:
        """
        Args:
            stop: Once requested, nothing is split any more.
            chance: Picks the rows to try.
            passed: Called for each part with the rows that were written, and how many of them SQL changed.
        """
        self._store = store
        self._condition = condition
        self._stop = stop
        self._chance = chance
        self._passed = passed
        self._refused: list[tuple[Claimed, RowsRefused]] = []
        self._sound = False
        self._unclear = False

    def write(self, rows: Sequence[Claimed], *, lock_ms: int | None = None) -> list[Refused]:
        """Write the rows that can be written; return the others.

        Args:
            lock_ms: How long the whole batch waits for a lock; None for the usual time.

        Raises:
            SystemRefuses: no row is at fault. Rows that did not pass are unchanged.
            StoreUnavailable, OutcomeUnknown: an outage, or a request to stop; likewise.
        """
        parts = [rows] if rows else []
        while parts:
            part = parts.pop()
            try:
                self._passes(part, lock_ms)
            except RowsRefused as error:
                self._obey(error)
                lock_ms = _LOCK_MS
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                else:
                    self._refused.append((part[0], error))
                    self._blame(parts)
        return self._confirmed() if self._refused else []

    def _passes(self, part: Sequence[Claimed], lock_ms: int | None) -> None:
        self._condition.begin()
        try:
            changed = self._store.write([row.entry for row in part], lock_ms=lock_ms)
        finally:
            self._condition.end()
        self._sound = True
        self._passed(part, changed)

    def _blame(self, parts: list[Sequence[Claimed]]) -> None:
        """A single row was refused. As long as nothing has passed, PostgreSQL may be at fault."""
        if self._sound:
            return
        row, error = self._refused[-1]
        if not self._unclear:
            finding = "unclear" if error.blames_no_row else rehearse(self._store, row, error)
            if finding == "alike" and not self._others_pass(parts):
                raise SystemRefuses(error)
            # A row that passed just now may also have made it sound.
            if finding == "sound":
                self._sound = True
            self._unclear = finding == "unclear"
        enough = len(self._refused) >= (_ENOUGH if parts else 2)
        if self._unclear and enough and self._all_alike():
            raise SystemRefuses(error)

    def _others_pass(self, parts: list[Sequence[Claimed]]) -> bool:
        """Try a few random rows out of `parts`: those tried so far may be bad by chance."""
        for _ in range(_SAMPLES):
            if not parts:
                return False
            part = parts.pop(self._chance.randrange(len(parts)))
            pick = self._chance.randrange(len(part))
            parts += [rest for rest in (part[:pick], part[pick + 1 :]) if rest]
            try:
                self._passes([part[pick]], _LOCK_MS)
            except RowsRefused as error:
                self._obey(error)
                self._refused.append((part[pick], error))
            else:
                return True
        return False

    def _confirmed(self) -> list[Refused]:
        """The rows that are refused again, after good rows passed again: PostgreSQL's rules may have changed
        while the batch was split."""
        row, error = self._refused[-1]
        certain = self._sound and (error.blames_no_row or rehearse(self._store, row, error) == "sound")
        refused = []
        for row, _ in self._refused:
            try:
                self._passes([row], _LOCK_MS)
            except RowsRefused as again:
                self._obey(again)
                refused.append(Refused(row, again, certain))
        return refused

    def _obey(self, error: RowsRefused) -> None:
        if self._stop.requested:
            raise StoreUnavailable("the worker was asked to stop") from error

    def _all_alike(self) -> bool:
        return len({error.sqlstate for _, error in self._refused}) == 1
