"""The stack as scenarios and commands see it: one lab, by name, on one runtime."""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from service.writebehind.condition import Condition
from stack.backend import Backend, describe_holder
from stack.converge import drain as unwritten
from stack.converge.flushing import condition
from stack.converge.health import with_health_of_all
from stack.converge.lifecycle import Lifecycle
from stack.converge.redis_options import tune
from stack.converge.schema import apply_schema
from stack.errors import EnvironmentFault, LabError, NotRunning
from stack.redis_wire import redis_at
from stack.resolve import KnownState
from stack.spec.events import ServiceChanged, StackEvents, StackNoted
from stack.spec.load_test import LoadTest, Script
from stack.spec.runtime import ExecResult, LogLine, Observed, RuntimeKind, Usage
from stack.spec.service import HealthCheck
from stack.spec.services import CORE, urls
from stack.spec.validate import check_settings, short_name
from stack.state import directory as lab_directory
from stack.state import lab as lab_state
from stack.state.kept_settings import KeptSettings
from stack.state.lab import LabState
from stack.state.lock import LabLock

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
        self._name = name
        self._directory = directory
        self._backend = backend
        self._runtime = backend.runtime
        self._reason = reason
        self._known = KnownState(name, directory, backend, ports)

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> RuntimeKind:
        return self._runtime.kind

    @property
    def reason(self) -> str:
        """Why this runtime was chosen."""
        return self._reason

    @property
    def directory(self) -> Path:
        """Where the lab's state lies."""
        return self._directory

    def up(self, settings: Mapping[str, str] = _NONE, *, observability: bool | None = None) -> StackEvents:
        """Bring the lab up, whatever state it is in; a second time changes nothing.

        What a failed or interrupted `up` began ends again, and the settings and ports that it was given are
        forgotten. A lab that was not there before leaves nothing.
        Services that it has not (any more) are stopped: of another version, or unwanted watchers.

        Args:
            settings: Environment overrides, for this lab from now on.
            observability: Whether it has Prometheus, Grafana and Jaeger from now on, where its runtime can
                run them; None: as before, at first yes.
        """
        given = check_settings(settings)
        lab_directory.check_unclaimed(self._directory)
        # An engine that does not answer is told of before anything is made.
        self._runtime.observe()
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            is_new = not self._known.exists() and not self._backend.holds_data()
            before = lab_state.load(self._directory)
            try:
                state = self._known.for_up(observability).with_settings(given)
                lab_state.save(self._directory, state)
                yield from self._lifecycle(state).end(self._unwanted(state))
                yield from self._spare_redis(state)
                yield from self._converge(state, self._backend.specs(state))
                KeptSettings(self._directory, self.redis).drop(name.lower() for name in given)
            except BaseException as error:
                self._go_back(before, is_new=is_new)
                if isinstance(error, LabError):
                    error.hint = f"{error.hint.rstrip('.')}. {self._aftermath()}"
                raise

    def down(self, *, keep_data: bool = False) -> StackEvents:
        """Take the lab away, in whatever state it is; `keep_data` leaves its rows and its ports."""
        if not self._known.exists() and (keep_data or not self._backend.holds_data()):
            lab_directory.forget_runs(self._directory)
            yield StackNoted(f"there is no lab {self._name}: nothing to take down")
            return
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            # Also those that an earlier `up` had and the last one had not.
            state = replace(self._known.for_down(), observability=True)
            observed = self._runtime.observe()
            known = [name for name in self._backend.specs(state) if name in observed]
            services = [*known, *self._unwanted(state, observed)]
            if keep_data:
                yield from self._lifecycle(state).end(["api"])
                if left := unwritten.drain(redis_at(state.ports["redis"]), self._runtime):
                    yield StackNoted(unwritten.sentence(left, lost=True))
            yield from self._lifecycle(state).end(services)
            self._remove(keep_data=keep_data)
            for service in services:
                kept = keep_data and service == "postgres"
                yield ServiceChanged(service, "removed", "data kept" if kept else "")

    def status(self) -> Mapping[str, Observed]:
        """Every service of the lab as it is now; those that do not exist are `missing`."""
        observed = self._runtime.observe()
        state = self._known.remembered_or_default()
        specs = self._backend.specs(state)
        known = with_health_of_all(specs, observed)
        unattributed = {name: observed[name] for name in self._unwanted(state, observed)}
        return known | {name: replace(seen, detail=_NOT_OURS) for name, seen in unattributed.items()}

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

    def running(self) -> bool:
        """Whether every service that the write path needs is healthy."""
        seen = self.status()
        return all(seen[name].state == "healthy" for name in CORE)

    def urls(self) -> Mapping[str, str]:
        """Where `api`, `redis`, `postgres` and what watches them are reached, or would be if it were up."""
        return urls(self._known.ports())

    def stop(self, service: str) -> StackEvents:
        """End a service in good order. One that does not run stays as it is."""
        return self._end(service, lambda lifecycle, name: lifecycle.end((name,)))

    def start(self, service: str) -> StackEvents:
        """Start a service and wait until it is healthy; where it waits for another, until it runs."""
        return self._change(service, lambda _, name: self._converge(self._known.required(), (name,)))

    def kill(self, service: str) -> StackEvents:
        """SIGKILL for every process of the service."""
        return self._end(service, lambda lifecycle, name: lifecycle.inject(name, "kill"))

    def pause(self, service: str) -> StackEvents:
        """Freeze every process of the service; its connections stay open and unanswered."""
        return self._change(service, lambda lifecycle, name: lifecycle.inject(name, "pause"))

    def resume(self, service: str) -> StackEvents:
        """Let a paused service go on, and wait until it is healthy."""
        return self._change(service, lambda lifecycle, name: lifecycle.inject(name, "resume"))

    def restart(self, service: str, settings: Mapping[str, str] = _NONE) -> StackEvents:
        """Stop a service and start it, with environment overrides that it has from now on."""
        given = check_settings(settings, self._short_name(service))

        def renew(lifecycle: Lifecycle, name: str) -> StackEvents:
            state = self._known.required().with_service_settings(name, given)
            lab_state.save(self._directory, state)
            yield from lifecycle.end((name,))
            yield from self._converge(state, (name,))
            KeptSettings(self._directory, self.redis).drop(name.lower() for name in given)

        return self._change(service, renew)

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        """Run a command where the service runs; `psql`, `pg_isready` and `redis-cli` reach the lab's."""
        name = self._short_name(service)
        self._known.required()
        return self._runtime.exec(name, argv, stdin)

    def logs(
        self, services: Sequence[str] = (), *, tail: int | None = None, follow: bool = False
    ) -> Generator[LogLine, None, None]:
        """The lines of these services' logs, of all for none; with `follow`, until it is closed."""
        names = [self._short_name(service) for service in services]
        names = names or list(self._backend.specs(self._known.required()))
        self._known.required()
        return self._runtime.logs(names, tail=tail, follow=follow)

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
        known = self._backend.specs(self._known.remembered_or_default())
        return {name: usage[name] for name in [*known, *usage] if name in usage}

    def _end(self, service: str, end: Callable[[Lifecycle, str], StackEvents]) -> StackEvents:
        def tell_and_end(lifecycle: Lifecycle, name: str) -> StackEvents:
            yield from self.at_stake(name)
            yield from end(lifecycle, name)

        return self._change(service, tell_and_end)

    def _change(self, service: str, do: Callable[[Lifecycle, str], StackEvents]) -> StackEvents:
        name = self._short_name(service)
        self._known.required()
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            yield from do(self._lifecycle(self._known.required()), name)

    def _lifecycle(self, state: LabState) -> Lifecycle:
        url, specs = urls(state.ports)["postgres"], self._backend.specs(state)
        post_start = {"postgres": lambda: apply_schema(url), "redis": lambda: tune(specs["redis"])}
        return Lifecycle(self._runtime, specs, post_start, describe_holder=describe_holder)

    def at_stake(self, service: str) -> StackEvents:
        """Say what is lost with a service before it ends."""
        yield from unwritten.told(self.redis, lost=True) if service == "redis" else ()

    def _converge(self, state: LabState, services: Collection[str]) -> StackEvents:
        specs = self._backend.specs(state)
        yield from self._backend.ensure_images({name: specs[name] for name in services})
        yield from self._lifecycle(state).converge(services)

    def _spare_redis(self, state: LabState) -> StackEvents:
        """Before a Redis that runs is started anew: bring to PostgreSQL what is in it alone.

        Raises:
            EnvironmentFault: something is left that would be lost.
        """
        seen = self._runtime.observe().get("redis")
        if seen is None or seen.pid is None or seen.spec_hash == self._backend.specs(state)["redis"].hash():
            return
        # Nothing more may be acknowledged meanwhile.
        yield from self._lifecycle(state).end(["api"])
        if left := unwritten.drain(redis_at(seen.port or state.ports["redis"]), self._runtime):
            raise EnvironmentFault(
                f"redis has to be started anew, and would lose {left} acknowledged writes",
                hint="let the worker write them (`labctl worker start`, `labctl logs worker`), or give them "
                "up with `labctl fault flushall`; then try again",
            )

    def _go_back(self, before: LabState | None, *, is_new: bool) -> None:
        """Forget what a failed `up` was given: a setting that no service starts with would fail the next."""
        # The first error is the one to tell.
        with suppress(LabError):
            if is_new:
                self._remove(keep_data=False)
            elif before is not None:
                lab_state.save(self._directory, before)

    def _unwanted(self, state: LabState, observed: Mapping[str, Observed] | None = None) -> list[str]:
        """Services of this lab that run, though a lab in this state has none of that name."""
        seen = self._runtime.observe() if observed is None else observed
        wanted = self._backend.specs(state)
        return [name for name, found in seen.items() if name not in wanted and found.pid is not None]

    def _aftermath(self) -> str:
        with suppress(LabError):
            left = [name for name, seen in self._runtime.observe().items() if seen.pid is not None]
            if not self._known.exists():
                return "Nothing of the lab is left."
            running = f"What still runs: {', '.join(left)}" if left else "Nothing runs"
            return f"{running}; `labctl up` goes on from there, `labctl down` takes the lab away."
        return "`labctl down` takes away what is there."

    def _short_name(self, service: str) -> str:
        everything = self._backend.specs(replace(self._known.default(), observability=True))
        return short_name(self._name, service, tuple(everything))

    def _remove(self, *, keep_data: bool) -> None:
        self._runtime.remove(keep_data=keep_data)
        if not keep_data:
            lab_directory.take_away(self._directory)
