"""Numbers as people read them."""

import math
from typing import Final

_KILO: Final = 1000


def figure(value: int | float | str) -> str:
    """Thousands are grouped, and a fraction keeps about three digits that matter."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if value == int(value) and size < 1e15:
        return f"{int(value):,}"
    return f"{value:,.{_decimals(size)}f}"


def _decimals(size: float) -> int:
    for limit, decimals in ((100, 0), (10, 1), (0.1, 2)):
        if size >= limit:
            return decimals
    return 4


def measure(value: int | float | str, unit: str) -> str:
    """A figure with its unit: "1.42 ms", "12 writes"; `%` stands close."""
    gap = "" if unit in ("", "%") else " "
    return f"{figure(value)}{gap}{unit_of(value, unit)}"


def unit_of(value: int | float | str, unit: str) -> str:
    """The unit, in the singular for one: "1 write"; symbols such as ms have none."""
    return unit[:-1] if value == 1 and unit.isalpha() and len(unit) > 3 and unit.endswith("s") else unit


def size(count: int) -> str:
    """Bytes in the largest unit that leaves a whole part: "34.1 MB"."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(amount) < _KILO or unit == "GB":
            break
        amount /= _KILO
    return f"{count:,} B" if unit == "B" else f"{amount:,.1f} {unit}"


def duration(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
