"""What is wrong with a scenario file, and where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from scenarios.suggest import closest

#: Where a value stands in the document: ("steps", 2, "create", "count").
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong."""

    mark: Mark
    #: "'craete' is not a key of a step"
    message: str
    #: What would be right: "did you mean 'create'?"
    hint: str

    def located(self, file: str) -> str:
        """ "mine.yaml:3:5: … ", as compilers write it, so that editors can jump there."""
        return f"{file}:{self.mark.line}:{self.mark.column}: {self.message}; {self.hint}"


class Problems(Exception):
    """A scenario file can't be used."""

    def __init__(self, found: Iterable[Problem]) -> None:
        super().__init__()
        self.found = tuple(sorted(set(found)))


def suggest(word: str, known: Sequence[str], *, what: str = "give one of") -> str:
    """What would be right instead of an unknown word: the closest one, or all of them."""
    close = closest(word, known)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{what} {', '.join(known)}" if known else "leave it out"
