"""The specification of a service, for whichever runtime starts it: plain data."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from stack.spec.container import ContainerSpec

#: What a service runs. The local runtime knows where to find it; `image`: only a container has it.
Program = Literal["redis", "postgres", "python", "image"]
#: How health is asked for. `worker`: its announcement in Redis; the others: their own protocol.
ProbeKind = Literal["redis", "postgres", "http", "worker"]
#: The signal that asks a service to end in good order.
StopSignal = Literal["SIGTERM", "SIGINT"]

_HASH_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How to find out, from the machine that labctl runs on, whether a service is fit for work."""

    protocol: ProbeKind
    host: str
    port: int
    #: Where `http` asks.
    path: str = "/health"
    #: How long it may take from its start, in s.
    seconds: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """What one service is started from."""

    #: Short name: `redis`, `postgres`, `api`, `worker`.
    name: str
    program: Program
    #: Arguments of the program, without what only the runtime knows (paths of data directories).
    args: tuple[str, ...] = ()
    #: Options that its program is started with, and that are also changed while it runs (see tuning.py).
    tuned: tuple[tuple[str, str], ...] = ()
    #: The environment that it gets beside the machine's own; sorted by name.
    env: tuple[tuple[str, str], ...] = ()
    #: Port on this machine; None if it does not listen.
    port: int | None = None
    depends_on: tuple[str, ...] = ()
    health: HealthCheck
    stop_signal: StopSignal = "SIGTERM"
    #: How long it may take to end in good order, in s; then it is killed.
    stop_seconds: float = 10.0
    #: What Docker runs; None in a lab without.
    container: ContainerSpec | None = None

    def tuned_args(self) -> tuple[str, ...]:
        """`tuned` as the program's arguments."""
        return tuple(word for name, value in self.tuned for word in (f"--{name}", value))

    def hash(self) -> str:
        """A digest of all that the service has to be started anew for."""
        text = json.dumps(asdict(replace(self, tuned=())), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
