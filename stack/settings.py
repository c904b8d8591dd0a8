"""What the stack takes from the environment of labctl itself."""

import os
import site
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import environment


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """Parsed once, by whoever opens a stack."""

    #: Where the state of all labs lies, one directory a lab.
    home: Path
    #: A redis-server or valkey-server to use instead of the bundled one; '' for the bundled one.
    redis_server: str = ""
    #: The engine to use; '' for the one of `docker_context`.
    docker_host: str = ""
    #: The Docker context to use; '' for the current one of the user's Docker configuration.
    docker_context: str = ""
    #: The network of image builds: `host` where a package index is reached from this machine alone.
    build_network: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "StackSettings":
        """`LABCTL_HOME`, else the user's state directory (XDG); `LABCTL_REDIS_SERVER`,
        `LABCTL_BUILD_NETWORK`; Docker's own `DOCKER_HOST` and `DOCKER_CONTEXT`."""
        named = env.get("LABCTL_HOME", "").strip()
        return cls(
            home=Path(named).expanduser().absolute() if named else _default_home(),
            redis_server=env.get("LABCTL_REDIS_SERVER", "").strip(),
            docker_host=env.get("DOCKER_HOST", "").strip(),
            docker_context=env.get("DOCKER_CONTEXT", "").strip(),
            build_network=env.get("LABCTL_BUILD_NETWORK", "").strip(),
        )


def _default_home() -> Path:
    from platformdirs import user_state_path

    return user_state_path("labctl")


def inherited_env(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the lab's processes, and programs that labctl runs, see of labctl's environment."""
    # Where labctl itself may have been installed, though its children have another home.
    userbase = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
    return {**environment.children(env), **userbase}
