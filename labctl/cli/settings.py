"""labctl's own settings, from the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from stack.errors import UsageError

#: How many runs are kept, and how many bytes of journals, unless LABCTL_KEEP_RUNS says otherwise.
_KEPT_RUNS: Final = 100
_KEPT_BYTES: Final = 2_000_000_000
_UNITS: Final = {"KB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass(frozen=True, slots=True)
class Keep:
    """How much is kept of earlier runs. The oldest go first."""

    runs: int = _KEPT_RUNS
    bytes: int = _KEPT_BYTES

    @classmethod
    def parse(cls, text: str) -> "Keep":
        """ "50", "500MB" or "50,500MB"; what is not given keeps its default.

        Raises:
            UsageError: it is none of these.
        """
        keep = cls()
        for word in filter(None, (part.strip() for part in text.split(","))):
            match = re.fullmatch(r"(\d{1,12})([KMG]B)?", word.upper())
            if match is None or int(match[1]) == 0:
                raise UsageError(
                    f"LABCTL_KEEP_RUNS={text} is neither a number of runs nor a size",
                    hint="give a number, a size or both: LABCTL_KEEP_RUNS=50,500MB",
                )
            number = int(match[1])
            keep = replace(keep, bytes=number * _UNITS[match[2]]) if match[2] else replace(keep, runs=number)
        return keep


@dataclass(frozen=True, slots=True, kw_only=True)
class CliSettings:
    """Rich reads NO_COLOR itself; the stack reads LABCTL_HOME."""

    #: LABCTL_KEEP_RUNS, not parsed yet: a mistake in it must not keep other commands from working.
    kept: str = ""

    #: The terminal can't move its cursor (TERM=dumb): lines only.
    dumb: bool = False
    #: LABCTL_DEBUG, unless it is empty or 0.
    debug: bool = False
    #: There is a screen on which a program can open a window.
    windows: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "CliSettings":
        return cls(
            dumb=env.get("TERM", "").lower() in ("dumb", "unknown"),
            debug=env.get("LABCTL_DEBUG", "").strip() not in ("", "0"),
            windows=bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")),
            kept=env.get("LABCTL_KEEP_RUNS", ""),
        )

    @property
    def keep_runs(self) -> Keep:
        """Raises UsageError: LABCTL_KEEP_RUNS is not a number or a size."""
        return Keep.parse(self.kept)
