"""A service as a container: plain data, for the Docker SDK and for compose.yaml."""

from dataclasses import dataclass
from typing import Final, Literal

MIB: Final = 1 << 20
#: Tag by which compose.yaml knows the image of the API and the worker, beside the one that labctl gives it.
COMPOSE_TAG: Final = "compose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file of this package (read-only), or a volume of the lab."""

    kind: Literal["asset", "volume"]
    #: `asset`: a path below stack/; `volume`: the volume's short name.
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How the engine itself checks health, inside the container. `docker compose ps` shows the result."""

    argv: tuple[str, ...]
    #: Seconds between two checks, and for one answer.
    interval: int = 3
    timeout: int = 3
    #: Seconds after the start during which a failure does not count.
    start_period: int = 20
    retries: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container. What is not named here is forbidden: capabilities, privileges, writable files."""

    #: '' for the lab's own image, which is built.
    image: str
    #: Arguments of the image's entry point; () for the image's own command.
    command: tuple[str, ...] = ()
    #: Port inside the container; None if it does not listen.
    port: int | None = None
    #: '' for the image's own user.
    user: str = ""
    #: Capabilities that the entry point needs in order to become another user; most need none.
    capabilities: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    #: Writable directories, in memory.
    tmpfs: tuple[str, ...] = ()
    probe: Probe | None = None
    #: None where the program limits its own memory.
    memory_bytes: int | None = 512 * MIB
    #: Maximum number of processes and threads.
    pids: int = 256
    #: Run the program under a minimal init, which reaps orphans and forwards signals.
    init: bool = True
    #: Whether the engine may delete old lines of its log.
    rotates_log: bool = True
    #: Compose starts it only when asked for this profile; `labctl up` never does.
    profile: str = ""
