"""What happens to rows that were not written: another attempt, or the dead letter queue."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from service.writebehind.entry import DeadLetter, attempts_of
from service.writebehind.errors import RowsRefused
from service.writebehind.scripts.flushing import Claimed
from service.writebehind.settings import Settings
from worker.sorting import Refused

#: How long a row waits for its next attempt if PostgreSQL lacked the resources to write it.
_KEPT_S: Final = 2.0


@dataclass(slots=True)
class Disposal:
    """Decides row by row."""

    settings: Settings
    chance: random.Random
    letters: list[DeadLetter] = field(default_factory=list)
    #: Row, failed attempts so far, s until the next.
    again: list[tuple[Claimed, int, float]] = field(default_factory=list)
    #: Why the first of the letters was given up, without the values of its row.
    reason: str = ""
    #: Why a row was not written: its SQLSTATE or `simulated`, and a sentence.
    reasons: dict[Claimed, tuple[str, str]] = field(default_factory=dict)

    def refused(self, rows: Iterable[Refused]) -> None:
        """Rows that PostgreSQL refused while it took others, or possibly because of its own trouble."""
        for refused in rows:
            error = refused.error
            self.reasons[refused.row] = (error.sqlstate, _why(error))
            if error.blames_no_row:
                self.again.append((refused.row, attempts_of(refused.row.entry), _KEPT_S))
            elif refused.certain and not error.passes_by_itself:
                self._give_up(refused.row, error)
            else:
                self._retry(refused.row, error)

    def unlucky(self, rows: Iterable[Claimed]) -> None:
        """Rows that SIMULATE_DB_FAILURE makes fail."""
        for row in rows:
            self.reasons[row] = ("simulated", _why(None))
            self._retry(row, None)

    def _retry(self, row: Claimed, error: RowsRefused | None) -> None:
        """Try again later, or give up; `error` is None if the failure was simulated."""
        attempts = attempts_of(row.entry) + 1
        if attempts > self.settings.max_retries:
            self._give_up(row, error, ", and no retries left")
        else:
            self.again.append((row, attempts, self._backoff(attempts)))

    def _give_up(self, row: Claimed, error: RowsRefused | None, more: str = "") -> None:
        attempts = attempts_of(row.entry) + 1
        why = _why(error)
        logged = why if error is None else f"PostgreSQL refuses the row: {error.in_logs}"
        self.letters.append(
            DeadLetter.of(row.id, row.version, row.entry, error=why + more, attempts=attempts)
        )
        self.reason = self.reason or logged + more

    def _backoff(self, attempts: int) -> float:
        """Time until the next attempt in s: doubled each time, with jitter so that retries spread out."""
        doubled: float = 2.0 ** (attempts - 1)
        return self.settings.retry_delay_ms / 1000 * doubled * self.chance.uniform(0.5, 1.5)


def _why(error: RowsRefused | None) -> str:
    if error is None:
        return "simulated database failure"
    return f"PostgreSQL refuses the row: {error} (SQLSTATE {error.sqlstate})"
