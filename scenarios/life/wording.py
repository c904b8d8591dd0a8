"""Moments, spans of time and versions in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scenarios.judge.ledger import Operation

_MS_US: Final = 1000
_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
_WITH_ARTICLE: Final[Mapping[Operation, str]] = {
    "create": "a create",
    "update": "an update",
    "delete": "a delete",
}


def clock(at_us: int) -> str:
    """A moment of the day, on the clock of this machine: "12:00:01.204"."""
    return f"{datetime.fromtimestamp(at_us // _SECOND_US):%H:%M:%S}.{at_us // _MS_US % 1000:03}"  # noqa: DTZ006


def zone(at_us: int) -> str:
    """The time zone of this machine at that moment: "UTC", "CET", "UTC+04"."""
    name = datetime.fromtimestamp(at_us // _SECOND_US).astimezone().tzname() or "local"
    return f"UTC{name}" if name[0] in "+-" else name


def gap(micros: int) -> str:
    """How long something took.

    >>> [gap(400), gap(6_200), gap(80_000), gap(900_000), gap(75_000_000)]
    ['400 µs', '6 ms', '80 ms', '0.9 s', '75 s']
    """
    micros = max(0, micros)
    if micros < _MS_US:
        return f"{micros} µs"
    if micros < 600 * _MS_US:
        return f"{micros / _MS_US:.0f} ms"
    if micros < 10 * _SECOND_US:
        return f"{micros / _SECOND_US:.1f} s"
    if micros < 2 * _MINUTE_US:
        return f"{micros / _SECOND_US:.0f} s"
    return f"{micros / _MINUTE_US:.0f} min"


def operation(name: Operation) -> str:
    """ "a create", "an update", "a delete"."""
    return _WITH_ARTICLE[name]


@dataclass(frozen=True, slots=True)
class Ordinals:
    """Short names of a product's versions: version 1 is the oldest that is known."""

    numbers: Mapping[int, int]

    def name(self, version: int) -> str:
        """ "version 3"; one that no known write has is named by its own number."""
        number = self.numbers.get(version)
        return f"version {version}" if number is None else f"version {number}"

    def full(self, version: int) -> str:
        """ "version 3 (1769882401204000)"."""
        number = self.numbers.get(version)
        return f"version {version}" if number is None else f"version {number} ({version})"
