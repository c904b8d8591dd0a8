"""Log lines of several services as records, in the order of time."""

import heapq
import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from stack.logs.formats import Level, parse
from stack.spec.runtime import LogLine

#: How long a followed line is held back for earlier ones of other services, in s.
HOLD_BACK_S: Final = 0.3
#: Lines without a time of their own that were written this soon after another, in s, go with it.
_TOGETHER_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One line of a service's log, and what it says."""

    service: str
    #: The line as people read it.
    text: str
    #: Unix time in s; None if nothing tells it.
    at: float | None
    level: Level
    #: The text without time, level and source.
    message: str
    trace_id: str = ""
    #: A traceback that stands in the same line.
    error: str = ""
    #: Whether the line goes on with the one before it, as those of a traceback do.
    continues: bool = False

    @property
    def moment(self) -> str:
        """When it was written: ISO 8601 in UTC, with ms; '' if nothing tells it."""
        if self.at is None:
            return ""
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Keep = Callable[[LogRecord], bool]


def in_order(
    lines: Iterable[LogLine | None],
    *,
    keep: Keep,
    tail: int | None,
    clock: Callable[[], float] = time.time,
) -> Iterator[LogRecord]:
    """The records of these lines by their time. Those of one service keep their order, whatever its clock
    does.

    Args:
        lines: First what the logs hold, service by service. Then, from the first None on, what is written
            while they are followed; there is a None at least whenever nothing came for a moment.
        keep: Which records are wanted. A line that continues another is kept like that one.
        tail: How many records of each service to begin with, of those that are wanted; None for all.
        clock: Unix time in s.
    """
    series: defaultdict[str, _Series] = defaultdict(lambda: _Series(keep))
    source = iter(lines)
    backlog: defaultdict[str, deque[_Placed]] = defaultdict(lambda: deque(maxlen=tail))
    began = clock()
    for line in source:
        if line is None:
            break
        if placed := series[line.service].place(line):
            backlog[line.service].append(placed)
        # A log that never rests must not keep its past from being shown.
        if clock() - began > 1 and (line.at or 0.0) > began:
            break
    yield from (placed.record for placed in _merged(backlog.values()))
    yield from _followed(source, series, clock)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A record and its place among those of all services."""

    record: LogRecord
    place: float


class _Series:
    """The lines of one service."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._last: LogRecord | None = None
        self._written_at = -math.inf
        self._place = -math.inf
        self._kept = False

    def place(self, line: LogLine) -> _Placed | None:
        """The record of the next line; None if it is not wanted."""
        record = self._read(line, together=self._is_close(line))
        if not record.continues:
            self._kept = self._keep(record)
        if record.at is not None:
            # A clock that was set back does not reorder a service's own lines.
            self._place = max(self._place, record.at)
        self._last = record
        return _Placed(record, self._place) if self._kept else None

    def _read(self, line: LogLine, *, together: bool) -> LogRecord:
        parsed, last = parse(line.text), self._last
        if parsed is not None:
            return LogRecord(
                service=line.service,
                text=parsed.readable or line.text,
                at=parsed.at,
                level=parsed.level or (last.level if last else "info"),
                message=parsed.message,
                trace_id=parsed.trace_id,
                error=parsed.error,
                continues=parsed.level is None and last is not None,
            )
        continues = last is not None and together
        return LogRecord(
            service=line.service,
            text=line.text,
            at=last.at if last and continues else line.at,
            level=last.level if last and continues else "info",
            message=line.text,
            continues=continues,
        )

    def _is_close(self, line: LogLine) -> bool:
        """Whether the line was written together with the one before it. If the runtime can't tell, it was."""
        before, self._written_at = self._written_at, line.at if line.at is not None else -math.inf
        return line.at is None or line.at - before < _TOGETHER_S


def _merged(backlog: Iterable[Iterable[_Placed]]) -> Iterator[_Placed]:
    return heapq.merge(*map(_with_first_time, backlog), key=lambda placed: placed.place)


def _with_first_time(series: Iterable[_Placed]) -> list[_Placed]:
    """The lines before the first that tells a time go where that one goes."""
    placed = list(series)
    first = next((each.place for each in placed if each.place > -math.inf), -math.inf)
    return [_Placed(each.record, max(first, each.place)) for each in placed]


def _followed(
    source: Iterator[LogLine | None], series: "defaultdict[str, _Series]", clock: Callable[[], float]
) -> Iterator[LogRecord]:
    """The records that come from now on, each held back until earlier ones of other services have come."""
    held: list[tuple[float, int, float, LogRecord]] = []
    for number, line in enumerate(source):
        now = clock()
        placed = series[line.service].place(line) if line is not None else None
        if placed is not None:
            heapq.heappush(held, (placed.place, number, now, placed.record))
        while held and now - held[0][2] >= HOLD_BACK_S:
            yield heapq.heappop(held)[3]
    yield from (record for *_, record in sorted(held, key=lambda each: each[:2]))
