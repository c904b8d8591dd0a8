"""What the stack takes from the environment of labctl itself."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.writebehind.settings import Settings

#: Variables of the user's shell that would change what the lab's processes do: libpq's, the servers'
#: and the lab's own settings, which come from the topology alone.
_FOREIGN_PREFIXES: Final = ("PG", "REDIS_", "GRANIAN_", "RQ_", "API_", "LABCTL_", "PROMETHEUS_")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """Parsed once, by whoever opens a stack."""

    #: Where the state of all labs lies, one directory a lab.
    home: Path
    #: A redis-server or valkey-server to use instead of the bundled one; '' for the bundled one.
    redis_server: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "StackSettings":
        """`LABCTL_HOME`, else the user's state directory (XDG); `LABCTL_REDIS_SERVER`."""
        named = env.get("LABCTL_HOME", "").strip()
        return cls(
            home=Path(named).expanduser().absolute() if named else _default_home(),
            redis_server=env.get("LABCTL_REDIS_SERVER", "").strip(),
        )


def _default_home() -> Path:
    from platformdirs import user_state_path

    return user_state_path("labctl")


def inherited_env(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the lab's processes see of the user's environment: all but what would steer them."""
    own = set(Settings().to_env())
    return {
        name: value
        for name, value in env.items()
        if name not in own and not name.startswith(_FOREIGN_PREFIXES)
    }
