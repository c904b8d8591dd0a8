"""What a load is mixed from: how often it creates, reads, updates and deletes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from stack.errors import UsageError

_EXAMPLE: Final = "give weights such as create=30,read=30,update=40,delete=5"
#: A load knows no finer shares than one in a thousand.
FINEST: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The weight of each operation; only their ratio matters.

    >>> str(Shares(create=1, read=2.5))
    'create=1,read=2.5'
    """

    create: float = 0.0
    read: float = 0.0
    update: float = 0.0
    delete: float = 0.0

    def __str__(self) -> str:
        return ",".join(f"{name}={weight:g}" for name, weight in self.weights.items() if weight)

    @property
    def weights(self) -> dict[str, float]:
        """The weights by operation."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def writes(self) -> float:
        """The share of requests that write, 0 to 1."""
        return 1 - self.read / sum(self.weights.values())


#: The mix of `load basic`, and how many products it keeps using, unless the user says otherwise.
USUAL_SHARES: Final = Shares(create=30, read=30, update=40)
USUAL_KEYS: Final = 10_000
#: Of a load that only writes. What it writes does not matter here.
WRITES_ONLY: Final = Shares(update=1)


def parse_shares(value: "str | Mapping[str, Any] | Shares") -> Shares:
    """The shares that a user chose.

    Args:
        value: "create=30,read=70", or the weights by operation.

    Raises:
        UsageError: it names something else than operations and weights, or one operation twice, or nothing
            would be sent.
    """
    if isinstance(value, Shares):
        return value
    pairs = _split(value) if isinstance(value, str) else [(str(name), value[name]) for name in value]
    known = [field.name for field in fields(Shares)]
    weights: dict[str, float] = {}
    for name, weight in pairs:
        if name not in known:
            raise _refused(value, f"{name!r} is not one of {', '.join(known)}")
        if name in weights:
            raise _refused(value, f"{name} stands there twice")
        weights[name] = _weight(value, name, weight)
    total = sum(weights.values())
    if total <= 0:
        raise _refused(value, "nothing would be sent")
    for name, weight in weights.items():
        if 0 < weight < FINEST * total:
            raise _refused(value, f"{name} is less than one request in {1 / FINEST:,.0f}")
    return Shares(**weights)


def _split(text: str) -> list[tuple[str, str]]:
    pairs = []
    for part in text.split(","):
        name, equals, weight = part.partition("=")
        if not equals:
            raise _refused(text, f"{part.strip()!r} has no weight")
        pairs.append((name.strip(), weight.strip()))
    return pairs


def _weight(value: object, name: str, weight: Any) -> float:
    try:
        number = float(str(weight).removesuffix("%"))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise _refused(value, f"{name} can't be {weight!r}")
    return number


def _refused(value: object, why: str) -> UsageError:
    shown = value if isinstance(value, str) else str(value)
    return UsageError(f"--mix can't be {shown!r}: {why}", hint=_EXAMPLE)
