"""Plain data with its places in the file."""

from dataclasses import dataclass
from typing import TypeAlias

from scenarios.scripted.problem import Mark

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value: a mapping, a list, or a scalar."""

    mark: Mark
    content: "dict[str, Entry] | list[Node] | Scalar"

    @property
    def kind(self) -> str:
        """ "a mapping", "text", … : what it is, in words."""
        match self.content:
            case dict():
                return "a mapping"
            case list():
                return "a list"
            case None:
                return "nothing"
            case bool():
                return str(self.content).lower()
            case int() | float():
                return f"the number {self.content}"
            case str():
                return f"the text {self.content[:40]!r}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping, by its place, and its value."""

    mark: Mark
    value: Node
