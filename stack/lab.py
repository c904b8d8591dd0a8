"""The stack as scenarios and commands see it: one lab, by name, on one runtime."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from service.writebehind.condition import Condition
from stack.backend import Backend
from stack.changes import Changes
from stack.converge import drain, faults
from stack.converge.flushing import condition
from stack.converge.health import reach, with_health_of_all
from stack.converge.lifecycle import Converged
from stack.converge.plan import Plan
from stack.errors import NotRunning
from stack.logs.records import Keep, LogRecord, in_order
from stack.redis_wire import redis_at
from stack.resolve import KnownState
from stack.spec.events import StackEvents
from stack.spec.load_test import LoadTest, Script
from stack.spec.runtime import ExecResult, LogLine, Observed, Reach, RuntimeKind, Usage
from stack.spec.service import HealthCheck
from stack.spec.services import CORE, urls
from stack.spec.validate import check_settings, short_name
from stack.state.lab import LabState

#: Detail of a service that no lab of this version has.
_NOT_OURS: Final = "of another version of the lab"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Lab:
    """One lab. Iterators do their work as they are consumed; close one to interrupt it.

    Services go by their short names or by those of their containers. Every method raises `LabError`s
    only; a lab or service that has to run and does not is `NotRunning`.
    """

    def __init__(
        self, name: str, directory: Path, backend: Backend, *, reason: str, ports: Mapping[str, int]
    ) -> None:
        self.name: Final = name
        #: Where the lab's state lies.
        self.directory: Final = directory
        #: Why this runtime was chosen.
        self.reason: Final = reason
        self._backend = backend
        self._runtime = backend.runtime
        self._known = KnownState(name, directory, backend, ports)
        self._changes = Changes(self._known)

    @property
    def kind(self) -> RuntimeKind:
        return self._runtime.kind

    def up(self, settings: Mapping[str, str] = _NONE, *, observability: bool | None = None) -> Converged:
        """Bring the lab up, whatever state it is in; a second time changes nothing.

        What a failed or interrupted `up` began ends again, and the settings and ports that it was given are
        forgotten. A lab that was not there before leaves nothing.
        Services that the lab does not have (any more) are stopped: of another version, or unwanted watchers.

        Args:
            settings: Environment overrides, for this lab from now on.
            observability: Whether it has Prometheus, Grafana and Jaeger from now on, where its runtime can
                run them; None: as before, at first yes.

        Returns:
            What was seen last of every service, without asking the runtime again.
        """
        return self._changes.up(check_settings(settings), observability)

    def plan_up(self, settings: Mapping[str, str] = _NONE, *, observability: bool | None = None) -> Plan:
        """What `up` would do now; changes nothing."""
        return self._changes.prepare_up(check_settings(settings), observability).plan

    def down(self, *, keep_data: bool = False) -> StackEvents:
        """Take the lab away, in whatever state it is; `keep_data` leaves its rows and its ports."""
        return self._changes.down(keep_data=keep_data)

    def plan_down(self, *, keep_data: bool = False) -> Plan:
        """What `down` would do now; changes nothing. Without nodes where there is no lab."""
        return self._changes.prepare_down(keep_data=keep_data)[1]

    def status(self, services: Mapping[str, Observed] | None = None) -> Mapping[str, Observed]:
        """Every service of the lab as it is now; those that do not exist are `missing`.

        Args:
            services: What was just seen of them; None: look.
        """
        observed = self._runtime.observe() if services is None else services
        specs = self._backend.specs(self._known.find(observed) or self._known.unremembered(observed))
        strange = {
            name: replace(seen, detail=_NOT_OURS)
            for name, seen in observed.items()
            if name not in specs and seen.pid is not None
        }
        return with_health_of_all(specs, observed) | strange

    def services(self) -> Mapping[str, Observed]:
        """Every service that exists, without asking whether it is fit for work."""
        return self._runtime.observe()

    @property
    def redis(self) -> HealthCheck:
        """Where Redis is asked."""
        return redis_at(self._known.ports()["redis"])

    def condition(self) -> Condition | None:
        """The workers, and whether what is due gets done; None where Redis does not answer."""
        with suppress(OSError, ValueError, NotRunning):
            return condition(self.redis)
        return None

    def observe(self, service: str) -> Observed:
        """One service as it is now, without asking whether it is fit for work."""
        name = self._short_name(service)
        return self._runtime.observe_service(name) or Observed(service=name, state="missing")

    def reach(self, service: str, *, seconds: float) -> Reach | None:
        """What a client that waits for so long meets on the service's port; None for one without a port."""
        spec = self._backend.specs(self._known.required())[self._short_name(service)]
        return None if spec.port is None else reach(spec.health, seconds)

    def running(self) -> bool:
        """Whether every service that the write path needs is healthy."""
        seen = self.status()
        return all(seen[name].state == "healthy" for name in CORE)

    def urls(self) -> Mapping[str, str]:
        """Where `api`, `redis`, `postgres` and what watches them are reached, or would be if it were up."""
        return urls(self._known.ports())

    def stop(self, service: str) -> StackEvents:
        """End a service in good order."""
        return self._end(service, self._changes.stop)

    def start(self, service: str) -> StackEvents:
        """Start a service and wait until it is healthy; where it waits for another, until it runs."""
        name = self._short_name(service)
        return self._changes.change(lambda state: self._changes.start(state, name))

    def kill(self, service: str) -> StackEvents:
        """SIGKILL for every process of the service."""
        return self._end(service, lambda _, name: faults.kill(self._runtime, name))

    def pause(self, service: str) -> StackEvents:
        """Freeze every process of the service; its connections stay open and unanswered."""
        name = self._short_name(service)
        return self._changes.change(lambda _: faults.pause(self._runtime, name))

    def resume(self, service: str) -> StackEvents:
        """Let a paused service go on, and wait until it is healthy; raises NotRunning where none runs."""
        name = self._short_name(service)

        def go_on(state: LabState) -> StackEvents:
            faults.require_running(self._runtime, name)
            yield from self._changes.start(state, name)

        return self._changes.change(go_on)

    def restart(self, service: str, settings: Mapping[str, str] = _NONE) -> StackEvents:
        """Stop a service and start it, with environment overrides that it has from now on."""
        name = self._short_name(service)
        checked = check_settings(settings, name)
        return self._changes.change(lambda state: self._changes.restart(state, name, checked))

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        """Run a command where the service runs; `psql`, `pg_isready` and `redis-cli` reach the lab's."""
        name = self._short_name(service)
        self._known.required()
        return self._runtime.exec(name, argv, stdin)

    def logs(
        self,
        services: Sequence[str] = (),
        *,
        tail: int | None = None,
        follow: bool = False,
        keep: Keep | None = None,
    ) -> Generator[LogRecord, None, None]:
        """The lines of these services' logs in the order of time.

        Args:
            services: Which; none means all.
            tail: How many lines of each service to begin with, of those that are wanted; None for all.
            follow: Go on until the iterator is closed.
            keep: Which lines are wanted; None for all.
        """
        names = [self._short_name(service) for service in services]
        names = names or list(self._backend.specs(self._known.required()))
        self._known.required()
        lines = self._runtime.logs(names, tail=None if keep else tail, follow=follow)
        return _closing(lines, in_order(lines, keep=keep or (lambda _: True), tail=tail))

    def load_test(self, script: Script, settings: Mapping[str, str] = _NONE) -> LoadTest:
        """k6 with one of the lab's scripts, not started yet.

        Args:
            script: Which.
            settings: What the script reads of its environment: `DURATION` ("30s"), `CLIENTS` ("10").
        """
        return self._backend.load_test(self._known.required(), script, settings)

    def usage(self) -> Mapping[str, Usage]:
        """Resources of every running service."""
        usage = self._runtime.usage()
        return {name: usage[name] for name in [*self._everything(), *usage] if name in usage}

    def at_stake(self, service: str) -> StackEvents:
        """Say what is lost with a service before it ends."""
        yield from drain.told(self.redis, lost=True) if service == "redis" else ()

    def _end(self, service: str, end: Callable[[LabState, str], StackEvents]) -> StackEvents:
        name = self._short_name(service)

        def tell_and_end(state: LabState) -> StackEvents:
            yield from self.at_stake(name)
            yield from end(state, name)

        return self._changes.change(tell_and_end)

    def _short_name(self, service: str) -> str:
        return short_name(self.name, service, self._everything())

    def _everything(self) -> tuple[str, ...]:
        """Every service that a lab on this runtime can have."""
        return tuple(self._backend.specs(self._known.unremembered({})))


def _closing(
    lines: Generator[LogLine | None, None, None], records: Iterator[LogRecord]
) -> Generator[LogRecord, None, None]:
    """The records, with an end for the lines that they come from."""
    with closing(lines):
        yield from records
