"""The time axis of a waterfall: to scale, but for waits that would dwarf all the rest. Those are broken."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from scenarios.life.waterfall import Row

#: A break takes so many columns. All breaks together take half of the axis at most: the longest are broken.
_BREAK_COLUMNS: Final = 4


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
    """The axis of these rows, from 0 to the end of the last one in which something was done.

    Args:
        columns: How many it may take.
    """
    parts = list(_parts(rows))
    busy_us = sum(end - start for start, end, busy in parts if busy)
    waits = sorted((start - end, start) for start, end, busy in parts if not busy and end - start > busy_us)
    broken = {start for _, start in waits[: columns // 2 // _BREAK_COLUMNS]}
    to_scale = sum(end - start for start, end, _ in parts if start not in broken)
    room = max(1, columns - _BREAK_COLUMNS * len(broken))
    stretches, column = [], 0.0
    for start, end, _ in parts:
        wide = _BREAK_COLUMNS if start in broken else room * (end - start) / max(1, to_scale)
        stretches.append(Stretch(start, end, column, column + wide, start in broken))
        column += wide
    return Axis(tuple(stretches))


def _parts(rows: Iterable[Row]) -> Iterator[tuple[int, int, bool]]:
    """The axis, cut where something begins or ends to be done: start, end, and whether anything is done."""
    at, length = 0, 0
    spans = []
    for row in rows:
        if row.busy:
            length = max(length, row.end_us)
            if row.kind == "span":
                spans.append((row.start_us, row.end_us))
    for start, end in sorted(spans):
        if start > at:
            yield at, start, False
            at = start
        if end > at:
            yield at, end, True
            at = end
    if at < length:
        yield at, length, False
