"""What a scenario is."""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol

from scenarios.events import Event, Outcome
from scenarios.lab.context import Run
from stack.errors import UsageError

Crash = Literal["flushall", "kill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user may ask of a scenario; None: what the scenario takes by itself."""

    #: How the data-loss demo crashes Redis.
    crash: Crash = "flushall"
    #: s
    duration: float | None = None
    #: Requests a second, as an open loop.
    rate: float | None = None
    clients: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Options":
        """Options by name, those that are None or missing left at their default.

        Raises:
            UsageError: an option is unknown, or its number makes no sense.
        """
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise UsageError(f"there is no option {unknown[0]!r}", hint=f"known: {', '.join(sorted(known))}")
        options = cls(**{name: value for name, value in given.items() if value is not None})
        _check("--duration", options.duration, 3600, "seconds")
        _check("--rate", options.rate, 100_000, "requests a second")
        if options.clients is not None and not 1 <= options.clients <= 256:
            raise UsageError(f"--clients can't be {options.clients}", hint="give a number from 1 to 256")
        return options


def _check(option: str, number: float | None, most: int, unit: str) -> None:
    if number is not None and not (math.isfinite(number) and 0 < number <= most):
        raise UsageError(f"{option} can't be {number:g}", hint=f"give more than 0 and at most {most} {unit}")


def refuse_load_options(scenario: str, options: Options) -> None:
    """Raises UsageError if an option is given that only loads have."""
    for name in ("duration", "rate", "clients"):
        if getattr(options, name) is not None:
            raise UsageError(f"{scenario} has no --{name}", hint="`labctl load --help` shows what has")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a scenario ended."""

    outcome: Outcome
    #: One sentence.
    text: str


class Scenario(Protocol):
    """A scripted measurement. `play` yields what happens and returns how it ended; closing it at any
    point leaves the lab in working order."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def steps(self) -> int: ...

    def check(self, options: Options) -> None:
        """Raises UsageError where options don't fit this scenario; needs no lab."""
        ...

    def play(self, run: Run, options: Options) -> Generator[Event, None, Conclusion]: ...
