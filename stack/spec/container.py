"""What a service of the lab is as a container: plain data, for the Docker SDK and for compose alike."""

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
    """How the engine itself asks for health, inside the container; what `docker compose ps` shows."""

    argv: tuple[str, ...]
    #: s between two questions, and for one answer.
    interval: int = 3
    timeout: int = 3
    #: s after the start during which a failure does not count.
    start_period: int = 20
    retries: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container. What is not named here is forbidden: capabilities, privileges, writable files."""

    image: str
    #: Arguments for the image's entry point; none for the image's own command.
    command: tuple[str, ...] = ()
    #: Port inside the container; None if it is not published.
    port: int | None = None
    #: '' for the image's own user.
    user: str = ""
    #: Those that the entry point needs to become another user; none for most.
    capabilities: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    #: Directories that may be written to, in memory.
    tmpfs: tuple[str, ...] = ()
    probe: Probe | None = None
    #: None: the program limits its own memory.
    memory_bytes: int | None = 512 * MIB
    #: Processes and threads at most.
    pids: int = 256
    #: Run the program under a minimal init, which reaps orphans and forwards signals.
    init: bool = True
    #: Whether the engine may throw old lines of its log away.
    rotates_log: bool = True
    #: Compose starts it only when asked for this profile; labctl's `up` never does.
    profile: str = ""
