"""Measured values by the time at which they were measured, in bounded memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

#: How long a block is at first, s. Values within it may depend on each other: a flush or a checkpoint slows
#: many writes at once.
BLOCK_S: Final = 1.0
#: With more blocks than these, neighbours are merged. A run of an hour has 225, of 16 s each.
_MOST_BLOCKS: Final = 240
#: Values are rounded to so many leading bits: they are exact to 0.2 %.
_BITS: Final = 9


@dataclass(frozen=True, slots=True)
class Table:
    """How the values of a series are spread over its blocks, for many questions at little cost."""

    blocks: int
    #: The values that occur, in µs, in rising order.
    values: Sequence[int]
    #: For each of them, how many values of each block do not exceed it.
    columns: Sequence[tuple[int, ...]]


class Series:
    """Times are s since the run began; values are ms, kept in µs."""

    def __init__(self) -> None:
        #: How long a block is, s.
        self.block_s = BLOCK_S
        #: By number, each block's values with how often they occur.
        self._blocks: dict[int, Counter[int]] = {}
        self._most_us = 0
        #: The numbers of the blocks that are not counted.
        self._skipped: set[int] = set()
        #: None: it was not asked for since the last value came.
        self._table: Table | None = None

    def add(self, at: float, ms: float) -> None:
        """Take in a value that was measured at `at` s."""
        self._table = None
        us = max(0, round(1000 * ms))
        self._most_us = max(self._most_us, us)
        number = int(at / self.block_s)
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = Counter()
        block[_rounded(us)] += 1
        if len(self._blocks) > _MOST_BLOCKS:
            self._merge()

    def skip(self, begin: float, end: float) -> None:
        """Do not count the blocks from `begin` to `end` s: something else was measured meanwhile."""
        self._skipped.update(range(int(begin / self.block_s), int(end / self.block_s) + 1))

    @property
    def blocks(self) -> list[Counter[int]]:
        """The values of each block that has some, in the order of time."""
        return [self._blocks[number] for number in sorted(self._blocks)]

    def values(self) -> Counter[int]:
        """How often each value occurs, in µs."""
        total = Counter[int]()
        for block in self._blocks.values():
            total.update(block)
        return total

    def table(self) -> Table:
        """The values of the blocks that have some."""
        if self._table is None:
            values = sorted(self.values())
            rising = [list(accumulate(block[value] for value in values)) for block in self.blocks]
            self._table = Table(len(rising), values, list(zip(*rising, strict=True)))
        return self._table

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(block.total() for block in self._blocks.values())

    @property
    def most_ms(self) -> float:
        """The largest value; 0 if there is none."""
        return self._most_us / 1000

    def counts(self) -> list[int]:
        """How many values each block has, from the first to the last, but for those that are skipped. The
        first and the last are left out, too: they may have begun or ended in the middle."""
        if not self._blocks:
            return []
        return [
            self._blocks[number].total() if number in self._blocks else 0
            for number in range(min(self._blocks) + 1, max(self._blocks))
            if number not in self._skipped
        ]

    def _merge(self) -> None:
        self.block_s *= 2
        merged: dict[int, Counter[int]] = {}
        for number, block in self._blocks.items():
            merged.setdefault(number // 2, Counter()).update(block)
        self._blocks = merged
        self._skipped = {number // 2 for number in self._skipped}


def _rounded(us: int) -> int:
    shift = max(0, us.bit_length() - _BITS)
    return (us + (1 << shift >> 1)) >> shift << shift
