"""Gathers figures from the lines of a journal, in one pass and in bounded memory."""

from collections import Counter
from typing import Final

from scenarios.events import Checked, Measured
from scenarios.figures.series import Series
from scenarios.journal.lines import AnyLine, EventLine, SampleLine, WriteLine
from scenarios.journal.reader import decode_event
from scenarios.load.phases import HOLD, PHASES

#: The groups of a load's writes that were not due in its hold.
_APART: Final = frozenset(PHASES) - {HOLD}


class Gathered:
    """Takes the lines of one journal, in their order."""

    def __init__(self) -> None:
        #: What the run itself measured, by key.
        self.measured: Final[dict[str, int | float | str]] = {}
        #: By claim; if it was checked several times, the last.
        self.checks: Final[dict[str, Checked]] = {}
        #: How many writes had each answer.
        self.answers: Final[Counter[str]] = Counter()
        #: The longest queue, and the service's totals in the end; None: no sample was taken.
        self.queue_max: int | None = None
        self.coalesced: int | None = None
        self.persisted: int | None = None
        self._in_hold, self._elsewhere = _Writes(), _Writes()
        self._first, self._last = float("inf"), 0.0

    def take(self, line: AnyLine) -> None:
        match line:
            case WriteLine():
                self._take_write(line)
            case SampleLine():
                self.queue_max = max(self.queue_max or 0, line.queue)
                self.coalesced = max(self.coalesced or 0, line.coalesced)
                self.persisted = max(self.persisted or 0, line.persisted)
            case EventLine(name="Measured" | "Checked"):
                self._take_event(line)
            case _:
                pass

    @property
    def latencies(self) -> Series:
        """Of a load's writes in its hold, from when they were due; of writes that no load sent, else."""
        return self._writes.latencies

    @property
    def acknowledgements(self) -> Series:
        """The acknowledged ones of the same writes, by when they were acknowledged."""
        return self._writes.acknowledgements

    @property
    def _writes(self) -> "_Writes":
        return self._in_hold if self._in_hold.any else self._elsewhere

    @property
    def seconds(self) -> float:
        """From the first sending of an acknowledged write to the last answer; 0 without one."""
        return max(0.0, self._last - self._first)

    def number(self, key: str) -> float | None:
        """A figure that the run measured; None if it did not, or if it is not a number."""
        value = self.measured.get(key)
        return value if isinstance(value, int | float) else None

    def _take_write(self, line: WriteLine) -> None:
        self.answers[line.answer] += 1
        if line.answer == "acknowledged":
            self._first, self._last = min(self._first, line.sent), max(self._last, line.finished)
        if line.group in _APART:
            # Meanwhile, no rate of the hold can be told.
            self._in_hold.acknowledgements.skip(line.begun, line.finished)
        else:
            (self._in_hold if line.group == HOLD else self._elsewhere).take(line)

    def _take_event(self, line: EventLine) -> None:
        event = decode_event(line)
        if isinstance(event, Measured):
            self.measured[event.key] = event.value
        elif isinstance(event, Checked):
            self.checks[event.claim] = event


class _Writes:
    """Writes that are timed together."""

    def __init__(self) -> None:
        #: Whether there is one.
        self.any = False
        self.latencies: Final = Series()
        self.acknowledgements: Final = Series()

    def take(self, line: WriteLine) -> None:
        self.any = True
        latency_ms = 1000 * (line.finished - line.begun)
        # A write without an answer took at least as long. One that was refused says nothing of the others.
        if line.answer != "refused":
            self.latencies.add(line.begun, latency_ms)
        if line.answer == "acknowledged":
            self.acknowledgements.add(line.finished, latency_ms)
