"""The stack as scenarios and commands see it: one lab, by name, on one runtime."""

import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from stack import lab_directory, lab_state, topology
from stack.choice import choose_runtime
from stack.database import apply_schema
from stack.errors import LabError
from stack.events import ServiceChanged, StackEvents, StackNoted
from stack.flavour import Flavour, docker_flavour, local_flavour
from stack.health import ailment
from stack.known_state import KnownState
from stack.lab_state import LabState
from stack.lifecycle import Lifecycle
from stack.load_test import LoadTest, Script
from stack.lock import LabLock
from stack.runtime import ExecResult, LogLine, Observed, RuntimeKind, Usage
from stack.settings import StackSettings
from stack.spec import ServiceSpec
from stack.topology import CORE, DEFAULT_NAME, check_name, check_ports, check_settings, short_name

#: Detail of a service that no lab of this version has.
_NOT_OURS: Final = "of another version of the lab"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Stack:
    """One lab. Iterators do their work as they are consumed; close one to interrupt it.

    Services go by their short names or by those of their containers. Every method raises `LabError`s
    only; a lab or service that has to run and does not is `NotRunning`.
    """

    def __init__(
        self, name: str, directory: Path, flavour: Flavour, *, reason: str, ports: Mapping[str, int]
    ) -> None:
        self._name = name
        self._directory = directory
        self._flavour = flavour
        self._runtime = flavour.runtime
        self._reason = reason
        self._known = KnownState(name, directory, flavour, ports)

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
        Services that it has not (any more) are stopped: those of another version, and what watches it
        where that is unwanted.

        Args:
            settings: Environment overrides, for this lab from now on.
            observability: Whether it has Prometheus, Grafana and Jaeger from now on, where its runtime can
                run them; None: as before, at first yes.
        """
        given = check_settings(settings)
        lab_directory.check_unclaimed(self._directory)
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            is_new = not self._known.exists() and not self._flavour.holds_data()
            before = lab_state.load(self._directory)
            try:
                state = self._known.for_up(observability).with_settings(given)
                lab_state.save(self._directory, state)
                yield from self._lifecycle(state).end(self._unwanted(state))
                yield from self._converge(state, self._flavour.specs(state))
            except BaseException as error:
                self._go_back(before, is_new=is_new)
                if isinstance(error, LabError):
                    error.hint = f"{error.hint}. {self._aftermath()}"
                raise

    def down(self, *, keep_data: bool = False) -> StackEvents:
        """Take the lab away, in whatever state it is; `keep_data` leaves its rows and its ports."""
        if not self._known.exists() and (keep_data or not self._flavour.holds_data()):
            yield StackNoted(f"there is no lab {self._name}: nothing to take down")
            return
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            # Also those that an earlier `up` had and the last one had not.
            state = replace(self._known.for_down(), observability=True)
            observed = self._runtime.observe()
            known = [name for name in self._flavour.specs(state) if name in observed]
            services = [*known, *self._unwanted(state, observed)]
            yield from self._lifecycle(state).end(services)
            self._remove(keep_data=keep_data)
            for service in services:
                yield ServiceChanged(service, "removed", "data kept" if keep_data else "")

    def status(self) -> Mapping[str, Observed]:
        """Every service of the lab as it is now; those that do not exist are `missing`."""
        observed = self._runtime.observe()
        state = self._known.remembered_or_default()
        specs = self._flavour.specs(state)
        with ThreadPoolExecutor(max_workers=len(specs)) as pool:
            seen = pool.map(lambda spec: _examine(spec, observed.get(spec.name)), specs.values())
            known = dict(zip(specs, seen, strict=True))
        strangers = {name: observed[name] for name in self._unwanted(state, observed)}
        return known | {name: replace(seen, detail=_NOT_OURS) for name, seen in strangers.items()}

    def running(self) -> bool:
        """Whether every service that the write path needs is healthy."""
        seen = self.status()
        return all(seen[name].state == "healthy" for name in CORE)

    def urls(self) -> Mapping[str, str]:
        """Where `api`, `redis`, `postgres` and what watches them are reached, or would be if it were up."""
        return topology.urls(self._known.ports())

    def stop(self, service: str) -> StackEvents:
        """End a service in good order. One that does not run stays as it is."""
        return self._change(service, lambda lifecycle, name: lifecycle.end((name,)))

    def start(self, service: str) -> StackEvents:
        """Start a service and wait until it is healthy; where it waits for another, until it runs."""
        return self._change(service, lambda _, name: self._converge(self._known.required(), (name,)))

    def kill(self, service: str) -> StackEvents:
        """SIGKILL for every process of the service."""
        return self._change(service, lambda lifecycle, name: lifecycle.inject(name, "kill"))

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

        return self._change(service, renew)

    def exec(self, service: str, argv: Sequence[str]) -> ExecResult:
        """Run a command where the service runs; `psql`, `pg_isready` and `redis-cli` reach the lab's."""
        name = self._short_name(service)
        self._known.required()
        return self._runtime.exec(name, argv)

    def logs(
        self, services: Sequence[str] = (), *, tail: int | None = None, follow: bool = False
    ) -> Generator[LogLine, None, None]:
        """The lines of these services' logs, of all for none; with `follow`, until it is closed."""
        names = [self._short_name(service) for service in services]
        names = names or list(self._flavour.specs(self._known.required()))
        self._known.required()
        return self._runtime.logs(names, tail=tail, follow=follow)

    def load_test(self, script: Script, settings: Mapping[str, str] = _NONE) -> LoadTest:
        """k6 with one of the lab's scripts, not started yet.

        Args:
            script: Which.
            settings: What the script reads of its environment: `DURATION` ("30s"), `CLIENTS` ("10").
        """
        return self._flavour.load_test(self._known.required(), script, settings)

    def usage(self) -> Mapping[str, Usage]:
        """Resources of every running service."""
        usage = self._runtime.usage()
        known = self._flavour.specs(self._known.remembered_or_default())
        return {name: usage[name] for name in [*known, *usage] if name in usage}

    def _change(self, service: str, do: Callable[[Lifecycle, str], StackEvents]) -> StackEvents:
        name = self._short_name(service)
        self._known.required()
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            yield from do(self._lifecycle(self._known.required()), name)

    def _lifecycle(self, state: LabState) -> Lifecycle:
        url = topology.urls(state.ports)["postgres"]
        return Lifecycle(self._runtime, self._flavour.specs(state), {"postgres": lambda: apply_schema(url)})

    def _converge(self, state: LabState, services: Collection[str]) -> StackEvents:
        specs = self._flavour.specs(state)
        yield from self._flavour.provide({name: specs[name] for name in services})
        yield from self._lifecycle(state).converge(services)

    def _go_back(self, before: LabState | None, *, is_new: bool) -> None:
        """Forget what a failed `up` was given: a setting that no service starts with would fail the next."""
        if is_new:
            self._remove(keep_data=False)
        elif before is not None:
            # The first error is the one to tell.
            with suppress(LabError):
                lab_state.save(self._directory, before)

    def _unwanted(self, state: LabState, observed: Mapping[str, Observed] | None = None) -> list[str]:
        """Services of this lab that run, though a lab in this state has none of that name."""
        seen = self._runtime.observe() if observed is None else observed
        wanted = self._flavour.specs(state)
        return [name for name, found in seen.items() if name not in wanted and found.pid is not None]

    def _aftermath(self) -> str:
        """What a failed `up` left, and what becomes of it."""
        with suppress(LabError):
            left = [name for name, seen in self._runtime.observe().items() if seen.pid is not None]
            if not self._known.exists():
                return "Nothing of the lab is left."
            running = f"What still runs: {', '.join(left)}" if left else "Nothing runs"
            return f"{running}; `labctl up` goes on from there, `labctl down` takes the lab away."
        return "`labctl down` takes away what is there."

    def _short_name(self, service: str) -> str:
        everything = self._flavour.specs(replace(self._known.default(), observability=True))
        return short_name(self._name, service, tuple(everything))

    def _remove(self, *, keep_data: bool) -> None:
        self._runtime.remove(keep_data=keep_data)
        if not keep_data:
            lab_directory.take_away(self._directory)


def _examine(spec: ServiceSpec, seen: Observed | None) -> Observed:
    """What was seen of a service, and whether it is fit for work."""
    if seen is None:
        return Observed(service=spec.name, state="missing")
    if seen.state != "running":
        return seen
    lack = ailment(spec.health, seen)
    if not lack:
        return replace(seen, state="healthy")
    young = seen.started_at is not None and time.time() - seen.started_at < spec.health.seconds
    return replace(seen, state="starting" if young else "unhealthy", detail=lack)


def open_stack(
    name: str = DEFAULT_NAME,
    runtime: Literal["auto", "local", "docker"] = "auto",
    *,
    home: Path | None = None,
    ports: Mapping[str, int] | None = None,
) -> Stack:
    """The lab of that name; starts nothing.

    Args:
        name: Two labs of different names run side by side.
        runtime: `auto`: that of the lab if there is one, else what this machine has.
        home: The state directory; by default what the environment says.
        ports: Ports by endpoint (`api`, `redis`, `postgres`; in Docker also `prometheus`, `grafana`,
            `jaeger`), instead of the chosen ones.

    Raises:
        UsageError: the name, a port or an endpoint is impossible.
        EnvironmentFault: the runtime is not to be had.
    """
    settings = StackSettings.from_env()
    # Resolved, because the system names the working directory of a process so.
    directory = ((home or settings.home) / check_name(name)).resolve()
    kind, reason = choose_runtime(name, directory, runtime, settings)
    flavour = docker_flavour(name, settings) if kind == "docker" else local_flavour(directory, settings)
    given = check_ports(ports or {}, tuple(flavour.ports))
    return Stack(name, directory, flavour, reason=reason, ports=given)
