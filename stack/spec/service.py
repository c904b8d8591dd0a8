"""The specification of a service in one lab, for whichever runtime starts it: plain data."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final, Literal

from stack.spec.container import ContainerSpec

#: What a service runs. The local runtime knows where to find it; `image`: only a container has it.
Program = Literal["redis", "postgres", "python", "image"]
#: How health is asked for. `worker`: its announcement in Redis; the others: their own protocol.
ProbeKind = Literal["redis", "postgres", "http", "worker"]
#: The signal that asks a service to end in good order.
StopSignal = Literal["SIGTERM", "SIGINT"]

_HASH_DIGITS: Final = 16
#: Fields that a running service need not be started anew for.
_CHANGES_LIVE: Final = frozenset({"tuned", "health"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How to find out, from the machine that labctl runs on, whether a service is fit for work."""

    protocol: ProbeKind
    host: str
    port: int
    #: Where `http` asks.
    path: str = "/health"
    #: Who would log in, and to which database (`postgres` only).
    user: str = ""
    database: str = ""
    #: How long it may take from its start, in s.
    seconds: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSpec:
    """What one program of the lab is started from, whether it stays up or runs once."""

    #: Short name: `redis`, `postgres`, `api`, `worker`, ...
    name: str
    program: Program
    #: Arguments of a process, without what only the local runtime knows (paths of data directories). A
    #: container's are in `container`.
    args: tuple[str, ...] = ()
    #: Options that its program is started with, and that also change while it runs (converge/redis_options).
    tuned: tuple[tuple[str, str], ...] = ()
    #: The environment that it gets beside the machine's own; sorted by name.
    env: tuple[tuple[str, str], ...] = ()
    #: Port on this machine; None if it does not listen.
    port: int | None = None
    depends_on: tuple[str, ...] = ()
    stop_signal: StopSignal = "SIGTERM"
    #: How long it may take to end in good order, in s; then it is killed.
    stop_seconds: float = 10.0
    #: What Docker runs; None for a process.
    container: ContainerSpec | None = None

    def tuned_args(self) -> tuple[str, ...]:
        """`tuned` as the program's arguments."""
        return tuple(word for name, value in self.tuned for word in (f"--{name}", value))

    def hash(self) -> str:
        """A digest of everything that requires a restart of the program when it changes."""
        started_from = {name: value for name, value in asdict(self).items() if name not in _CHANGES_LIVE}
        text = json.dumps(started_from, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec(ProgramSpec):
    """What one service is started from. It stays up, and can be asked how it is."""

    health: HealthCheck
