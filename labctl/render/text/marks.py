"""The signs beside words. Each sign has a word beside it that says the same."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Marks:
    """One set of signs; the second one needs nothing but ASCII."""

    good: str
    bad: str
    unsure: str
    arrow: str
    rule: str
    bar: str
    track: str
    steps: str
    dot: str
    #: Stands for text that is left out.
    cut: str

    def of_check(self, passed: bool | None) -> str:
        """The sign of a check's result; None: it could not be established."""
        if passed is None:
            return self.unsure
        return self.good if passed else self.bad


UNICODE: Final = Marks(
    good="✓", bad="✗", unsure="?", arrow="→", rule="━", bar="█", track="░", steps="▁▂▃▄▅▆▇█", dot="·", cut="…"
)
ASCII: Final = Marks(
    good="+", bad="x", unsure="?", arrow=">", rule="=", bar="#", track=".", steps="_.-=+*%#", dot="-", cut="~"
)


def marks_for(encoding: str | None) -> Marks:
    """The best set that the stream can write."""
    try:
        "✓✗→━█░▁▂▃▄▅▆▇·…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE
