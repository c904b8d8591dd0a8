"""The stack's own settings, from the environment of labctl."""

import os
import site
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stack import environment
from stack.errors import StateUnusable
from stack.refusals import explain, hint_for


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """What the environment tells the stack. Parsed once, when a lab is opened."""

    #: The state directory: it holds one directory per lab.
    home: Path
    #: A redis-server or valkey-server to use instead of the bundled one; '' for the bundled one.
    redis_server: str = ""
    #: The engine to use; '' for the one of `docker_context`.
    docker_host: str = ""
    #: The Docker context to use; '' for the current one of the user's Docker configuration.
    docker_context: str = ""
    #: The directory of the user's Docker configuration: contexts, and by default keys.
    docker_config: Path = Path("/nonexistent/.docker")
    #: Whether the engine's certificate is checked, and the directory of the keys; '' for `docker_config`.
    docker_tls_verify: bool = False
    docker_cert_path: str = ""
    #: The network of image builds: `host` if containers can't reach the package index but this machine can.
    build_network: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "StackSettings":
        """Read `LABCTL_HOME`, else the user's state directory (XDG); `LABCTL_REDIS_SERVER`,
        `LABCTL_BUILD_NETWORK`; Docker's own `DOCKER_HOST`, `DOCKER_CONTEXT`,
        `DOCKER_CONFIG`, `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`.

        Raises:
            StateUnusable: there is no state directory.
        """
        named = env.get("LABCTL_HOME", "").strip()
        return cls(
            home=_named_home(named) if named else _default_home(),
            redis_server=env.get("LABCTL_REDIS_SERVER", "").strip(),
            docker_host=env.get("DOCKER_HOST", "").strip(),
            docker_context=env.get("DOCKER_CONTEXT", "").strip(),
            docker_config=_docker_config(env),
            # Any non-empty value means yes, as for the docker command.
            docker_tls_verify=bool(env.get("DOCKER_TLS_VERIFY")),
            docker_cert_path=env.get("DOCKER_CERT_PATH", "").strip(),
            build_network=env.get("LABCTL_BUILD_NETWORK", "").strip(),
        )


def _docker_config(env: Mapping[str, str]) -> Path:
    if named := env.get("DOCKER_CONFIG", "").strip():
        return Path(named)
    return Path(env.get("HOME") or "/nonexistent") / ".docker"


def _named_home(named: str) -> Path:
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError as error:
        raise StateUnusable(
            f"LABCTL_HOME={named} is not a directory: {error}", hint="give its absolute path"
        ) from error
    except OSError as error:
        raise StateUnusable(
            f"LABCTL_HOME={named} can't be used: {explain(error)}", hint=hint_for(error)
        ) from error


def _default_home() -> Path:
    from platformdirs import user_state_path

    directory = Path("~")
    with suppress(RuntimeError):
        directory = user_state_path("labctl")
    # Without HOME and without an entry in the list of users, the path would be a directory called `~`.
    if not directory.is_absolute():
        raise StateUnusable(
            "there is no home directory for the lab's state: HOME is not set, and this user has none",
            hint="name a state directory in LABCTL_HOME, such as LABCTL_HOME=/tmp/labctl",
        )
    return directory


def inherited_env(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The part of labctl's environment that the lab's processes, and programs that labctl runs, get."""
    # labctl itself may be installed there, and its children have another home.
    userbase = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
    return {**environment.children(env), **userbase}
