"""Expectations of a run's figures, as people type them: `p99<20ms`, `lost==0`, `throughput>=1.5k`.

    expectation  =  name operator number [unit]
    operator     =  "<" | "<=" | ">" | ">=" | "==" | "!="
    unit         =  "us" | "ms" | "s" | "min"  for times
                 |  "k" | "/s" | "k/s"         for rates
                 |  "k" | "%"                  for counts; "%" is a share of the writes, reads or requests

Times need a unit: 20 could be seconds as well as milliseconds.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scenarios.figures.names import FIGURES, About, Kind
from scenarios.suggest import closest, either
from stack.errors import UsageError

_GRAMMAR: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*([<>=!]+)\s*(\d+(?:\.\d+)?)\s*([^\s\d.]*)\s*", re.ASCII)
_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
#: By kind of figure, what a unit is worth in the unit in which the figure is kept.
_UNITS: Final[Mapping[Kind, Mapping[str, float]]] = {
    "time": {"us": 0.001, "µs": 0.001, "ms": 1, "s": 1_000, "min": 60_000},
    "rate": {"": 1, "/s": 1, "k": 1_000, "k/s": 1_000},
    "count": {"": 1, "k": 1_000},
}
_SHARE: Final = "%"
_EXAMPLES: Final = "'p99<20ms', 'lost==0' or 'throughput>=1.5k'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One limit for one figure."""

    name: str
    comparison: str
    #: In the figure's own unit, or in per cent if it is a share.
    limit: float
    #: Whether the limit is for the figure's share of a whole.
    share: bool
    #: The limit as it was typed: "20 ms".
    typed: str

    @property
    def about(self) -> About:
        return FIGURES[self.name]

    def holds(self, value: float) -> bool:
        """Whether a value keeps to it."""
        return _OPERATORS[self.comparison](value, self.limit)


def parse_expectation(text: str) -> Expectation:
    """What somebody expects.

    >>> parse_expectation("persist_lag_p99<1.5s").limit
    1500.0

    Raises:
        UsageError: it can't be read, or names no figure, or the unit is not one of that figure.
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise UsageError(f"can't read the expectation {text!r}", hint=f"write it like {_EXAMPLES}")
    name, comparison, number, unit = match.groups()
    if comparison not in _OPERATORS:
        raise UsageError(
            f"{comparison!r} in {text!r} is not a comparison", hint=f"use one of {' '.join(_OPERATORS)}"
        )
    about = FIGURES.get(name)
    if about is None:
        raise UsageError(f"there is no figure {name!r}", hint=_names_like(name))
    factor, share = _factor(name, about, unit, text)
    return Expectation(
        name=name,
        comparison=comparison,
        limit=float(number) * factor,
        share=share,
        typed=_typed(number, unit, about, share=share),
    )


def readable(texts: Iterable[str]) -> tuple[str, ...]:
    """The same expectations.

    Raises:
        UsageError: one can't be read.
    """
    given = tuple(texts)
    for text in given:
        parse_expectation(text)
    return given


def _factor(name: str, about: About, unit: str, text: str) -> tuple[float, bool]:
    units = _UNITS[about.kind]
    if unit in units:
        return units[unit], False
    if unit == _SHARE and about.whole:
        return 1, True
    allowed = [known for known in units if known and known.isascii()] + ([_SHARE] if about.whole else [])
    choice = ", ".join(allowed)
    if not unit:
        raise UsageError(f"{text!r} has no unit", hint=f"{name} is a time: give {choice}")
    none = " or no unit" if "" in units else ""
    raise UsageError(f"{unit!r} is not a unit of {name}", hint=f"give {choice}{none}")


def _typed(number: str, unit: str, about: About, *, share: bool) -> str:
    if share:
        return f"{number} % of {about.whole}"
    if about.kind == "time":
        return f"{number} {unit}"
    return f"{number}{unit.removesuffix('/s')} {about.unit}"


def _names_like(name: str) -> str:
    close = closest(name, tuple(FIGURES), most=3)
    meant = f"did you mean {either(close)}? " if close else ""
    return f"{meant}choose one of {', '.join(FIGURES)}"
