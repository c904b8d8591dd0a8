"""The time axis of a waterfall: to scale, but for gaps that would dwarf all the rest. Those are broken."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scenarios.life.waterfall import Row

#: A gap is broken where it is longer than everything else together, and this many columns would say nothing.
_BROKEN_COLUMNS: Final = 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis."""

    start_us: int
    end_us: int
    #: The columns that it takes, from the first, before the last.
    first: float
    last: float
    broken: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """Places moments in columns."""

    stretches: tuple[Stretch, ...]

    @property
    def left_out_us(self) -> int:
        """How much time the breaks hide."""
        return sum(one.end_us - one.start_us for one in self.stretches if one.broken)

    def column(self, at_us: int) -> float:
        """Where this moment is; before the beginning and after the end, there."""
        for one in self.stretches:
            if at_us <= one.end_us:
                share = (max(at_us, one.start_us) - one.start_us) / max(1, one.end_us - one.start_us)
                return one.first + share * (one.last - one.first)
        return self.stretches[-1].last if self.stretches else 0.0


def axis(rows: Iterable[Row], columns: int) -> Axis:
    """The axis of these rows.

    Args:
        columns: How many it may take.
    """
    rows = list(rows)
    length = max((row.end_us for row in rows), default=0)
    parts = list(_parts(rows, length))
    idle = sum(end - start for start, end, busy in parts if not busy)
    busy_us = length - idle
    broken = {
        (start, end) for start, end, busy in parts if not busy and end - start > max(busy_us, length // 4)
    }
    rest = length - sum(end - start for start, end in broken)
    room = max(1, columns - _BROKEN_COLUMNS * len(broken))
    stretches, column = [], 0.0
    for start, end, _ in parts:
        cut = (start, end) in broken
        wide = _BROKEN_COLUMNS if cut else room * (end - start) / max(1, rest)
        stretches.append(Stretch(start, end, column, column + wide, cut))
        column += wide
    return Axis(tuple(stretches))


def _parts(rows: Iterable[Row], length: int) -> Iterable[tuple[int, int, bool]]:
    """The axis, cut where something begins or ends to be done: start, end, and whether anything is done."""
    at = 0
    for start, end in sorted((row.start_us, row.end_us) for row in rows if row.kind == "span" and row.busy):
        if start > at:
            yield at, start, False
            at = start
        if end > at:
            yield at, end, True
            at = end
    if at < length:
        yield at, length, False
