"""labctl's own settings, from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CliSettings:
    """Rich reads NO_COLOR itself; the stack reads LABCTL_HOME."""

    #: The terminal can't move its cursor (TERM=dumb): lines only.
    dumb: bool = False
    #: LABCTL_DEBUG, unless it is empty or 0.
    debug: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "CliSettings":
        return cls(
            dumb=env.get("TERM", "").lower() in ("dumb", "unknown"),
            debug=env.get("LABCTL_DEBUG", "").strip() not in ("", "0"),
        )
