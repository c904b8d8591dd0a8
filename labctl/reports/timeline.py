"""What happened over time, in few points however long the run was: if they get too many, two become one."""

from collections.abc import Callable, Iterator
from typing import Final, Generic, Protocol, Self, TypeVar


class Mergeable(Protocol):
    """What can take in what its neighbour in time holds."""

    def merge(self, other: Self) -> None: ...


T = TypeVar("T", bound=Mergeable)

#: The first width of a slice, s. Every later one is a multiple of it by a power of two.
_NARROWEST_S: Final = 0.125


class Timeline(Generic[T]):
    """Slices of time of one width, each with what was gathered in it. Empty ones are left out."""

    def __init__(self, empty: Callable[[], T], most: int = 400) -> None:
        """
        Args:
            empty: Makes what a new slice begins with.
            most: The number of slices that is never exceeded.
        """
        #: The width of a slice, s.
        self.width = _NARROWEST_S
        self._empty = empty
        self._most = most
        self._slices: dict[int, T] = {}

    def at(self, seconds: float) -> T:
        """The slice of this moment, s since the run began."""
        index = self._index(seconds)
        while index >= self._most:
            self._widen()
            index = self._index(seconds)
        if (held := self._slices.get(index)) is None:
            held = self._slices[index] = self._empty()
        return held

    def slices(self) -> Iterator[tuple[float, T]]:
        """The middle of each slice, s, and what it holds, in the order of time."""
        for index, held in sorted(self._slices.items()):
            yield (index + 0.5) * self.width, held

    def _index(self, seconds: float) -> int:
        return int(max(seconds, 0.0) / self.width)

    def _widen(self) -> None:
        narrow, self._slices = self._slices, {}
        self.width *= 2
        for index, held in sorted(narrow.items()):
            if (merged := self._slices.get(index // 2)) is None:
                self._slices[index // 2] = held
            else:
                merged.merge(held)
