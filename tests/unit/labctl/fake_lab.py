"""A lab that only remembers what it was asked, for commands."""

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labctl.cli.options import RuntimeChoice
from service.writebehind.condition import Condition
from stack.backend import local_backend
from stack.converge.lifecycle import Converged
from stack.converge.plan import Node, Plan
from stack.lab import Lab
from stack.logs.records import Keep, LogRecord, in_order
from stack.settings import StackSettings
from stack.spec.events import ServiceChanged, ServiceState, StackEvents, StackNoted
from stack.spec.runtime import ExecResult, LogLine, Observed, Usage
from stack.spec.service import HealthCheck
from stack.spec.services import DEFAULT_PORTS

SERVICES = ("redis", "postgres", "api", "worker")


class FakeLab(Lab):
    """Records what is asked of it. Answers as a healthy lab, or as a missing one before `up`.

    It is a `Lab`, so mypy compares the two. What it does not replace works on a directory without a lab.
    """

    def __init__(self, directory: Path, *, is_up: bool = True) -> None:
        self._backend_of_tests = local_backend(directory, StackSettings.from_env())
        self._take("lab42", directory)
        self.is_up = is_up
        #: Whether `up` finds every service healthy.
        self.runs_already = False
        self.asked: list[tuple[Any, ...]] = []
        #: States of the unhealthy services, by name.
        self.ailing: dict[str, ServiceState] = {}
        self.api = "http://127.0.0.1:1"
        #: What Redis says about the workers; None: it does not answer.
        self.told: Condition | None = None
        self.result = ExecResult(0, "(1 row)\n", "")
        self.log = [LogLine("worker", "flushed 1 entries [not markup]")]

    def opener(self, name: str, runtime: RuntimeChoice, *, ports: Mapping[str, int] | None) -> Lab:
        self._take(name, self.directory)
        self.asked.append(("open", name, runtime, ports))
        return self

    def _take(self, name: str, directory: Path) -> None:
        super().__init__(
            name, directory, self._backend_of_tests, reason="no Docker engine answers", ports=DEFAULT_PORTS
        )

    def up(self, settings: Mapping[str, str] = {}, *, observability: bool | None = None) -> Converged:
        self.asked.append(("up", dict(settings), *(() if observability is None else (observability,))))
        for service in SERVICES:
            if not self.runs_already:
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

    def down(self, *, keep_data: bool = False) -> StackEvents:
        self.asked.append(("down", keep_data))
        if not self.is_up:
            yield StackNoted(f"there is no lab {self.name}: nothing to take down")
            return
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
        """An address where nothing listens."""
        return HealthCheck(protocol="redis", host="127.0.0.1", port=1)

    def condition(self) -> Condition | None:
        return self.told

    def at_stake(self, service: str) -> StackEvents:
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

    def stop(self, service: str) -> StackEvents:
        return self._change("stop", service, "stopped")

    def start(self, service: str) -> StackEvents:
        return self._change("start", service, "healthy")

    def kill(self, service: str) -> StackEvents:
        return self._change("kill", service, "stopped")

    def pause(self, service: str) -> StackEvents:
        return self._change("pause", service, "stopped")

    def resume(self, service: str) -> StackEvents:
        return self._change("resume", service, "healthy")

    def restart(self, service: str, settings: Mapping[str, str] = {}) -> StackEvents:
        return self._change("restart", service, "healthy", dict(settings))

    def _change(self, verb: str, service: str, state: ServiceState, *given: object) -> StackEvents:
        self.asked.append((verb, service, *given))
        yield ServiceChanged(service, state)

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        self.asked.append(("exec", service, *argv, *([stdin] if stdin else [])))
        return self.result

    def logs(
        self,
        services: Sequence[str] = (),
        *,
        tail: int | None = None,
        follow: bool = False,
        keep: Keep | None = None,
    ) -> Generator[LogRecord, None, None]:
        self.asked.append(("logs", *services, tail, follow))
        yield from in_order(self.log, keep=keep or (lambda _: True), tail=tail)

    def usage(self) -> Mapping[str, Usage]:
        return {
            "worker": Usage(cpu_percent=12.5, memory_bytes=50 << 20, read_bytes=0, written_bytes=1024),
            "api": Usage(cpu_percent=0.5, memory_bytes=10 << 20, read_bytes=0, written_bytes=0, threads=3),
        }
