"""One pass over a script: what it has found, and what it knows so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scenarios.faults.action import Action
from scenarios.scripted.problem import Mark, Path, Problem
from scenarios.scripted.script import Count, Duration


@dataclass(slots=True)
class Check:
    """One pass over a script."""

    marks: Mapping[Path, Mark]
    problems: list[Problem] = field(default_factory=list)
    #: By group, how many products it has at that point.
    products: dict[str, int] = field(default_factory=dict)
    #: Every group that a write belongs to.
    groups: set[str] = field(default_factory=set)
    writes: int = 0
    actions: list[tuple[Path, Action]] = field(default_factory=list)

    def refuse(self, path: Path, message: str, hint: str) -> None:
        """Note a problem at the nearest place that is known."""
        while path and path not in self.marks:
            path = path[:-1]
        self.problems.append(Problem(self.marks.get(path, Mark(1, 1)), message, hint))


def check_limits(check: Check, path: Path, limits: int | Count | Duration | None) -> None:
    if not isinstance(limits, Count | Duration):
        return
    least, most = limits.at_least, limits.at_most
    if least is None and most is None:
        check.refuse(path, "it has no limit", "give at_least, at_most or both")
    elif least is not None and most is not None and least > most:
        check.refuse(path, f"at_least {least} is above at_most {most}", "swap them")
