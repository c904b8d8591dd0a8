"""How many acknowledged writes a loss of Redis's memory costs: their rate, times the time in Redis alone.

That time is the age of the oldest entry that waits in Redis, which is read just before the crash. The writes
that were acknowledged since that entry came, until the memory was gone, are the most that can be lost.
A write that a newer one of its product has replaced counts: if both were only in Redis, both are lost.
"""

from array import array
from dataclasses import dataclass
from threading import Lock
from typing import Final

from scenarios.judge.ledger import Write

#: Answers are counted in portions of this length, s.
_PORTION_S: Final = 0.01
#: An answer may reach the client this much later than Redis took the write, s.
_ANSWER_S: Final = 0.1
#: The rate is that of at least this time before the crash, s.
_RATE_SPAN_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one crash may cost."""

    #: Acknowledged writes a second just before it.
    rate: float
    #: How long the oldest write had been in Redis alone, s.
    alone_s: float
    #: `rate` times `alone_s`, if that is not above `most`.
    writes: float
    #: The writes that were acknowledged in that time, and as late as an answer may be on its way.
    most: int


class Tally:
    """Counts the acknowledged writes by the time of their answers, in 3 MB for an hour. One thread records,
    others may read."""

    def __init__(self) -> None:
        #: The number of the first portion, and the counts from there on.
        self._first = 0
        self._counts = array("L")
        self._lock = Lock()

    def record(self, write: Write) -> None:
        """Count a write, if it was acknowledged."""
        if write.answer != "acknowledged":
            return
        portion = int(write.finished_at / _PORTION_S)
        with self._lock:
            if not self._counts:
                self._first = portion
            # Answers are recorded in the order in which they come.
            n = max(0, portion - self._first)
            if n >= len(self._counts):
                self._counts.extend([0] * (n + 1 - len(self._counts)))
            self._counts[n] += 1

    def between(self, begin: float, end: float) -> int:
        """The writes acknowledged between two times, s of the monotonic clock; portions count as a whole."""
        with self._lock:
            first, last = (int(at / _PORTION_S) - self._first for at in (begin, end))
            return sum(self._counts[max(0, first) : max(0, last + 1)])


def predict(tally: Tally, *, seen_at: float, oldest_age_s: float, gone_at: float, away: bool) -> Prediction:
    """What a crash may cost.

    Args:
        seen_at: When it was read what waits in Redis, just before the crash, s of the monotonic clock.
        oldest_age_s: How old the oldest entry was that waited; 0 if none did.
        gone_at: When the memory was certainly gone.
        away: Whether Redis was away from then on, so that all later answers are to earlier writes.
    """
    since = seen_at - oldest_age_s
    span_from = min(since, seen_at - _RATE_SPAN_S)
    rate = tally.between(span_from, seen_at) / (seen_at - span_from + _PORTION_S)
    until = gone_at + (5 * _ANSWER_S if away else _ANSWER_S)
    most = tally.between(since - _PORTION_S, until)
    return Prediction(rate=rate, alone_s=oldest_age_s, writes=min(rate * oldest_age_s, most), most=most)
