"""What an experiment compares, and how often. Plain data, checked as a whole before anything is started."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote
from types import MappingProxyType
from typing import Any, Final, get_args

from scenarios.faults.language import parse_fault, require_possible
from service.writebehind.settings import WritePolicy
from stack.errors import UsageError
from stack.spec.validate import check_settings

POLICIES: Final[tuple[WritePolicy, ...]] = get_args(WritePolicy)
#: How a trial without a fault is written.
NO_FAULT: Final = "none"
#: An experiment of more cells would take a day, and its table could not be read.
_MOST_CELLS: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """One experiment. The defaults answer: what does a crash of Redis lose, with a window of 500 or 50 ms,
    and what does it cost to write through?"""

    #: The values to compare, by setting, as the environment spells them.
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_SETTINGS)
    policies: tuple[WritePolicy, ...] = POLICIES
    #: The faults to compare, as `load --fault` takes them; `NO_FAULT` for none. Several faults of one trial
    #: are joined by `+`.
    faults: tuple[str, ...] = ("redis:kill@4s:start@4.5s",)
    #: Trials of each cell; fewer where they agree early.
    trials: int = 6
    writes_per_second: float = 500.0
    #: The measured load of each trial, s.
    duration: float = 6.0
    #: The load before it that is not measured, s.
    warm_up: float = 1.5
    #: No round of trials begins that would end later than this after the beginning, s; 0: no limit.
    time_limit: float = 0.0
    #: Decides the order of the trials.
    seed: int = 42

    def checked(self) -> "Design":
        """The design itself.

        Raises:
            UsageError: a part of it is not possible.
        """
        for limit in LIMITS.values():
            limit.check(getattr(self, limit.name))
        _check_distinct("policy", self.policies)
        for policy in self.policies:
            check_policy(policy)
        _check_distinct("fault", self.faults)
        for fault in self.faults:
            check_fault(fault)
        for name, values in self.settings.items():
            _check_distinct(name, values)
            for value in values:
                check_setting(name, value)
        count = len(self.policies) * len(self.faults) * math.prod(map(len, self.settings.values()))
        if count > _MOST_CELLS:
            raise UsageError(
                f"this makes {count} combinations, more than {_MOST_CELLS}",
                hint="compare fewer values at once",
            )
        return self

    @property
    def command(self) -> str:
        """What a person types after `labctl` to make this experiment."""
        default = Design()
        words = ["experiment"]
        if self.settings != default.settings:
            words += [f"--set {name}={','.join(values)}" for name, values in self.settings.items()]
        if self.policies != default.policies:
            words.append(f"--policy {','.join(self.policies)}")
        if self.faults != default.faults:
            words += [f"--fault {quote(fault)}" for fault in self.faults]
        words += [
            f"--{name.replace('_', '-')} {getattr(self, name):.10g}"
            for name in LIMITS
            if getattr(self, name) != getattr(default, name)
        ]
        return " ".join(words)

    def options(self) -> dict[str, Any]:
        """The design as a journal shows it: lists as they are typed."""
        lists = {name: ",".join(values) for name, values in self.settings.items()}
        return {**lists, "policy": ",".join(self.policies), "fault": list(self.faults), **self._numbers}

    def document(self) -> dict[str, Any]:
        """The design as JSON and journals hold it."""
        return {
            "settings": {name: list(values) for name, values in self.settings.items()},
            "policies": list(self.policies),
            "faults": list(self.faults),
            **self._numbers,
        }

    @property
    def _numbers(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in LIMITS}


#: The values that are compared unless the user chooses settings.
DEFAULT_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"COALESCING_WINDOW_MS": ("500", "50")}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a number of the design may be."""

    name: str
    least: float
    most: float
    unit: str
    whole: bool = False

    def check(self, value: float, spelled: str = "") -> None:
        """Raises UsageError if the value is not within the limits.

        Args:
            spelled: What the user wrote; empty for the option.
        """
        fits = math.isfinite(value) and self.least <= value <= self.most
        if not fits or (self.whole and value != int(value)):
            name = spelled or f"--{self.name.replace('_', '-')}"
            kind = "a whole number " if self.whole else ""
            raise UsageError(
                f"{name} can't be {value:g}",
                hint=f"give {kind}from {self.least:g} to {self.most:,.10g} {self.unit}".rstrip(),
            )


#: By name of the field.
LIMITS: Final[Mapping[str, Limit]] = {
    limit.name: limit
    for limit in (
        Limit(name="trials", least=1, most=100, unit="trials", whole=True),
        Limit(name="writes_per_second", least=1, most=100_000, unit="writes a second"),
        Limit(name="duration", least=1, most=600, unit="seconds"),
        Limit(name="warm_up", least=0, most=60, unit="seconds"),
        Limit(name="time_limit", least=0, most=86_400, unit="seconds"),
        Limit(name="seed", least=0, most=2**32 - 1, unit="", whole=True),
    )
}


def faults_of(text: str) -> tuple[str, ...]:
    """What is broken in one trial: "a + b" are two faults."""
    return () if text == NO_FAULT else tuple(part.strip() for part in text.split("+"))


def check_fault(text: str) -> None:
    """Raises UsageError unless that is `NO_FAULT`, or faults that are possible together."""
    require_possible([parse_fault(fault) for fault in faults_of(text)])


def check_policy(word: str) -> None:
    """Raises UsageError unless that is a policy."""
    if word not in POLICIES:
        raise UsageError(f"there is no policy {word!r}", hint=f"choose {' or '.join(POLICIES)}")


def check_setting(name: str, value: str) -> None:
    """Raises UsageError unless that setting can have that value in a trial."""
    if name == "WRITE_POLICY":
        raise UsageError(
            "WRITE_POLICY is not a setting here", hint="give it with --policy, or under `policies` in a file"
        )
    check_settings({name: value})


def _check_distinct(kind: str, values: tuple[str, ...]) -> None:
    if not values:
        raise UsageError(f"{kind} has no value to try", hint="give at least one")
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise UsageError(f"{kind} has the value {twice!r} twice", hint="give each value once")
