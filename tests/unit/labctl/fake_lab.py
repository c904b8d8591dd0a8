"""A lab that is only told of, for commands."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from labctl.cli.options import RuntimeChoice
from service.writebehind.condition import Condition
from stack.converge.lifecycle import Converged
from stack.converge.plan import Node, Plan
from stack.lab import Lab
from stack.spec.events import ServiceChanged, ServiceState, StackEvent
from stack.spec.runtime import ExecResult, LogLine, Observed, Usage
from stack.spec.service import HealthCheck

SERVICES = ("redis", "postgres", "api", "worker")


class FakeLab:
    """Remembers what was asked of it; answers as a healthy lab, or as none while `up` was not called."""

    kind = "local"
    reason = "no Docker engine answers"

    def __init__(self, directory: Path, *, is_up: bool = True) -> None:
        self.name = "lab42"
        self.directory = directory
        self.is_up = is_up
        self.asked: list[tuple[Any, ...]] = []
        #: State by service of those that are not healthy.
        self.ailing: dict[str, ServiceState] = {}
        self.api = "http://127.0.0.1:1"
        #: What Redis tells of the workers; None: it does not answer.
        self.told: Condition | None = None
        self.result = ExecResult(0, "(1 row)\n", "")

    def opener(self, name: str, runtime: RuntimeChoice, *, ports: Mapping[str, int] | None) -> Lab:
        self.name = name
        self.asked.append(("open", name, runtime, ports))
        return cast(Lab, self)

    def up(self, settings: Mapping[str, str] = {}, *, observability: bool | None = None) -> Converged:
        self.asked.append(("up", dict(settings), *(() if observability is None else (observability,))))
        for service in SERVICES:
            yield ServiceChanged(service, "starting")
            yield ServiceChanged(service, "healthy", "0.1 s")
        self.is_up, self.ailing = True, {}
        return self.status()

    def plan_up(self, settings: Mapping[str, str] = {}, *, observability: bool | None = None) -> Plan:
        self.asked.append(("plan up", dict(settings), observability))
        redis = Node(verb="replace", name="redis", cause="settings changed; 12 writes to drain first")
        return Plan.of([Node(verb="keep", name="api", after=(redis.key,)), redis])

    def plan_down(self, *, keep_data: bool = False) -> Plan:
        self.asked.append(("plan down", keep_data))
        return Plan(())

    def down(self, *, keep_data: bool = False) -> Iterator[StackEvent]:
        self.asked.append(("down", keep_data))
        yield ServiceChanged("redis", "removed")
        self.is_up = False

    def status(self, services: Mapping[str, Observed] | None = None) -> Mapping[str, Observed]:
        if not self.is_up:
            return {name: Observed(service=name, state="missing") for name in SERVICES}
        return {
            name: Observed(
                service=name,
                state=self.ailing.get(name, "healthy"),
                pid=100 + number,
                started_at=1.0,
                port=None,
            )
            for number, name in enumerate(SERVICES)
        }

    def services(self) -> Mapping[str, Observed]:
        return self.status() if self.is_up else {}

    @property
    def redis(self) -> HealthCheck:
        """Where nobody listens."""
        return HealthCheck(protocol="redis", host="127.0.0.1", port=1)

    def condition(self) -> Condition | None:
        return self.told

    def at_stake(self, service: str) -> Iterator[StackEvent]:
        self.asked.append(("at stake", service))
        yield from ()

    def running(self) -> bool:
        return self.is_up and not self.ailing

    def urls(self) -> Mapping[str, str]:
        return {
            "api": self.api,
            "redis": "redis://127.0.0.1:6379/0",
            "postgres": "postgresql://127.0.0.1:5432/labdb",
        }

    def __getattr__(self, verb: str) -> Any:
        """stop, start, kill, pause, resume and restart."""
        if verb not in ("stop", "start", "kill", "pause", "resume", "restart"):
            raise AttributeError(verb)

        def change(service: str, settings: Mapping[str, str] | None = None) -> Iterator[StackEvent]:
            self.asked.append((verb, service, *([dict(settings)] if settings is not None else [])))
            yield ServiceChanged(service, "healthy" if verb in ("start", "resume", "restart") else "stopped")

        return change

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        self.asked.append(("exec", service, *argv, *([stdin] if stdin else [])))
        return self.result

    def logs(self, services: Sequence[str], *, tail: int | None, follow: bool) -> Iterator[LogLine]:
        self.asked.append(("logs", *services, tail, follow))
        yield LogLine("worker", "flushed 1 entries [not markup]")

    def usage(self) -> Mapping[str, Usage]:
        return {
            "worker": Usage(cpu_percent=12.5, memory_bytes=50 << 20, read_bytes=0, written_bytes=1024),
            "api": Usage(cpu_percent=0.5, memory_bytes=10 << 20, read_bytes=0, written_bytes=0, threads=3),
        }
