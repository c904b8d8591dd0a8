"""Reads `--since`: an age, or a moment."""

import re
from datetime import datetime
from typing import Final

from stack.errors import UsageError

_AGE: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,6})?[smhd])+")
_PART: Final = re.compile(r"([\d.]+)([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_since(text: str, now: float) -> float:
    """The moment, as Unix time in s.

    Args:
        text: "90s", "5m", "1h30m", or a date or time in ISO 8601; without a time zone it is local time.
        now: Unix time in s.

    Raises:
        UsageError: it is neither.
    """
    if _AGE.fullmatch(text):
        return now - sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"--since can't be {text!r}: it is neither an age nor a moment",
            hint="give an age such as 90s, 5m or 1h30m, or a moment such as 2026-01-31T18:00 (local time) or "
            "2026-01-31T18:00:00Z",
        ) from error
