"""A figure and its target, printed as one line of a table."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure."""

    what: str
    value: float
    unit: str
    #: None: there is no target, the figure is only reported.
    bound: Literal["≥", "≤"] = "≤"
    target: float | None = None
    #: Absolute numbers behind a ratio, the spread, or whatever explains the figure.
    detail: str = ""

    @property
    def met(self) -> bool:
        if self.target is None:
            return True
        return self.value >= self.target if self.bound == "≥" else self.value <= self.target

    def with_detail(self, more: str) -> "Figure":
        return replace(self, detail=f"{self.detail}; {more}")


def ratio_of(
    what: str,
    ours: Sequence[float],
    ceiling: Sequence[float],
    bound: Literal["≥", "≤"] = "≤",
    target: float | None = None,
    *,
    unit: str,
) -> Figure:
    """The median of the ratios of pairs that were measured back to back."""
    ratios = [a / b for a, b in zip(ours, ceiling, strict=True)]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    detail = f"{median(ours):,.4g} ÷ {median(ceiling):,.4g} {unit}; {len(ratios)} pairs {spread}"
    return Figure(what, median(ratios), "", bound, target, detail)


def in_turns(names: Iterable[str], pairs: int) -> Iterator[tuple[int, str]]:
    """The names in pairs, with the number of the pair. In every other pair they are in reverse order, so that
    each is first as often as the other."""
    for pair in range(pairs):
        for name in sorted(names, reverse=bool(pair % 2)):
            yield pair, name


def show(figure: Figure) -> None:
    """Print one line as soon as the figure is known."""
    mark = "MISS" if not figure.met else "    " if figure.target is None else "ok  "
    measured = f"{figure.value:.2f} {figure.unit}".strip()
    target = "" if figure.target is None else f"{figure.bound} {figure.target:g} {figure.unit}".strip()
    print(f"{mark}  {figure.what:<52} {measured:>9}  {target:<9}  {figure.detail}")
    sys.stdout.flush()
