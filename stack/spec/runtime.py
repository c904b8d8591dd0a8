"""The interface between the lab and what runs it, implemented once per runtime.

The life cycle (stack.converge) is written once over this protocol. Services go by their short names:
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
#: What a client meets on the port of a service. silent: its connection is taken, and nothing answers.
Reach = Literal["answers", "silent", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One service as it was found, never as it is remembered."""

    service: str
    state: ServiceState
    #: The pid on this machine; None while it does not run.
    pid: int | None = None
    #: The pid that the service itself sees; None if it sees another one, as in a container.
    own_pid: int | None = None
    #: When it started, as Unix time in s; None while it does not run.
    started_at: float | None = None
    #: Hash of the specification that it was started from. If that has changed, it is to be replaced.
    spec_hash: str = ""
    #: Name of the image that a container was made from.
    image: str = ""
    #: Its port on this machine.
    port: int | None = None
    #: More about its state, for a person; may be empty.
    detail: str = ""
    #: The output of the runtime's own health check if it failed last, and whether the runtime calls the
    #: service unhealthy.
    health_output: str = ""
    unhealthy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A lab and its surroundings as found once: what a command plans from."""

    #: Every service that exists in any state, by short name.
    services: Mapping[str, Observed] = field(default_factory=dict)
    #: In Docker: ids of the images that a lab can need, by name; whether its network exists; the short names
    #: of its volumes.
    images: Mapping[str, str] = field(default_factory=dict)
    network: bool = False
    volumes: tuple[str, ...] = ()
    #: Number of products whose newest acknowledged write is only in Redis; None if Redis runs and does not
    #: answer.
    unwritten: int | None = 0
    #: Options of a running Redis that change without a restart, as it has them; empty if it does not answer.
    redis_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecResult:
    """The result of a command that ran inside a service. Invalid UTF-8 is decoded with `surrogateescape`,
    so the bytes can be recovered."""

    exit_code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, exit_code: int, stdout: bytes, stderr: bytes) -> "ExecResult":
        """The result of a command that wrote these bytes."""
        return cls(exit_code, *(output.decode(errors="surrogateescape") for output in (stdout, stderr)))


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service's log, without the newline."""

    service: str
    text: str
    #: When it was written, as Unix time in s, if the runtime knows; it need not: the line itself may say.
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Resources of one service at one moment."""

    cpu_percent: float
    memory_bytes: int
    #: Bytes read from and written to disk since it started; None if the system does not report them.
    read_bytes: int | None = None
    written_bytes: int | None = None
    #: Bytes over the network since it started, loopback included; None if the system does not count them.
    received_bytes: int | None = None
    sent_bytes: int | None = None
    #: Number of threads of all its processes.
    threads: int = 1


class Runtime(Protocol):
    """Starts, observes and breaks services. Its methods raise only `LabError`s."""

    @property
    def kind(self) -> RuntimeKind: ...

    def connect(self) -> None:
        """Check that this runtime can be used. Changes nothing.

        Raises:
            EnvironmentFault: it can't.
        """
        ...

    def observe(self) -> Mapping[str, Observed]:
        """Every service of this lab that exists in any state, by short name."""
        ...

    def observe_service(self, service: str) -> Observed | None:
        """One service; None if it does not exist. Cheaper than `observe` while waiting for one."""
        ...

    def snapshot(self) -> Snapshot:
        """All services and their surroundings, without `unwritten`: a runtime does not ask Redis."""
        ...

    def start(self, spec: ServiceSpec) -> None:
        """Create the service if needed, and start it. Returns as soon as its process exists."""
        ...

    def stop(self, service: str, *, seconds: float) -> None:
        """Ask the service to end, and wait; after `seconds`, kill it. It can be started again."""
        ...

    def signal(self, service: str, fault: FaultSignal) -> None:
        """Inject a fault. `kill` sends SIGKILL to every process of the service."""
        ...

    def remove(self, *, keep_data: bool) -> None:
        """Remove everything of this lab: services, network, files; its data as well unless `keep_data`."""
        ...

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        """Run a command beside the service, where `psql`, `redis-cli` and `pg_isready` exist."""
        ...

    def logs(
        self, services: Sequence[str], *, tail: int | None, follow: bool
    ) -> Generator[LogLine | None, None, None]:
        """The services' log lines; with `follow`, until the iterator is closed or the lab is gone.

        What the logs hold comes first. While they are followed, None says that nothing came for a moment.
        """
        ...

    def usage(self) -> Mapping[str, Usage]:
        """Resources of every running service, by short name."""
        ...
