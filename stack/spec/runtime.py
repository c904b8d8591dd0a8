"""The interface between the lab and what runs it: eight operations, one implementation per runtime.

The life cycle (lifecycle.py) is written once over this protocol. Services go by their short names:
`redis`, `postgres`, `api`, `worker` (and, under Docker, `prometheus`, `grafana`, `jaeger`).
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from stack.spec.events import ServiceState
from stack.spec.service import ServiceSpec

RuntimeKind = Literal["local", "docker"]
#: The faults that every runtime can inject with a signal: SIGKILL, SIGSTOP, SIGCONT.
FaultSignal = Literal["kill", "pause", "resume"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One service as it is now, never as it is remembered."""

    service: str
    state: ServiceState
    #: None while it does not run.
    pid: int | None = None
    #: The pid that the service itself sees; None where it sees another (in a container).
    own_pid: int | None = None
    #: Unix time in s, None while it does not run.
    started_at: float | None = None
    #: Hash of the spec that it was started from: another one means that it must be replaced.
    spec_hash: str = ""
    #: Name of the image that a container was made from.
    image: str = ""
    #: Host port by name of the endpoint.
    port: int | None = None
    detail: str = ""
    #: The output of the runtime's own health check where its last look failed; and whether it calls the
    #: service unhealthy.
    health_output: str = ""
    unhealthy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A lab and what it needs around it, as seen once: what a command plans from."""

    #: Every service that exists in any state, by short name.
    services: Mapping[str, Observed] = field(default_factory=dict)
    #: Of containers: ids of the images that a lab can need, by name; whether its network is there; its
    #: volumes, by short name.
    images: Mapping[str, str] = field(default_factory=dict)
    network: bool = False
    volumes: tuple[str, ...] = ()
    #: Products whose newest acknowledged write is in Redis alone; 0 where Redis does not answer.
    unwritten: int = 0


@dataclass(frozen=True, slots=True)
class ExecResult:
    """The result of a command that ran inside a service. Invalid UTF-8 is decoded with `surrogateescape`,
    so the bytes can be recovered."""

    exit_code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, exit_code: int, stdout: bytes, stderr: bytes) -> "ExecResult":
        return cls(exit_code, *(said.decode(errors="surrogateescape") for said in (stdout, stderr)))


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service's log, without its line end."""

    service: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Resources of one service at one moment."""

    cpu_percent: float
    memory_bytes: int
    #: Read from and written to disk since it started; None where the system does not say.
    read_bytes: int | None = None
    written_bytes: int | None = None
    #: Over the network since it started, loopback included; None where the system does not count it.
    received_bytes: int | None = None
    sent_bytes: int | None = None
    #: Threads of all its processes.
    threads: int = 1


class Runtime(Protocol):
    """Starts, observes and breaks services. Every method raises `LabError`s only."""

    @property
    def kind(self) -> RuntimeKind: ...

    def connect(self) -> None:
        """Raises EnvironmentFault where this runtime can't be used. Makes nothing."""
        ...

    def observe(self) -> Mapping[str, Observed]:
        """Every service of this lab that exists in any state, by short name."""
        ...

    def observe_service(self, service: str) -> Observed | None:
        """One service, None if it does not exist: what to ask while waiting for it."""
        ...

    def snapshot(self) -> Snapshot:
        """All services and what is around them; `unwritten` is for those to see to who know Redis."""
        ...

    def start(self, spec: ServiceSpec) -> None:
        """Create the service if needed and start it. Returns once its process exists."""
        ...

    def stop(self, service: str, *, seconds: float) -> None:
        """Ask it to end and wait; after `seconds` end it by force. It may be started again."""
        ...

    def signal(self, service: str, fault: FaultSignal) -> None:
        """Inject a fault. `kill` is SIGKILL for every process of the service, without warning."""
        ...

    def remove(self, *, keep_data: bool) -> None:
        """Take away whatever this lab left: stopped services, networks, state; data unless kept."""
        ...

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        """Run a command where the service runs (`psql`, `redis-cli`, `pg_isready` are there)."""
        ...

    def logs(
        self, services: Sequence[str], *, tail: int | None, follow: bool
    ) -> Generator[LogLine, None, None]:
        """The services' log lines; with `follow`, until the iterator is closed or the lab is gone."""
        ...

    def usage(self) -> Mapping[str, Usage]:
        """Resources of every running service, by short name."""
        ...
