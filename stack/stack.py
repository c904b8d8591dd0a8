"""The stack as scenarios and commands see it: one lab, by name, on one runtime."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from stack import lab_directory, lab_state, topology
from stack.database import apply_schema
from stack.errors import EnvironmentFault, NotRunning, StateUnusable
from stack.events import ServiceChanged, StackEvents, StackNoted
from stack.health import ailment
from stack.lab_state import LabState
from stack.lifecycle import Lifecycle
from stack.local_runtime import LocalRuntime
from stack.lock import LabLock
from stack.ports import choose_free
from stack.runtime import ExecResult, LogLine, Observed, Runtime, RuntimeKind, Usage
from stack.settings import StackSettings
from stack.topology import (
    CORE,
    DEFAULT_NAME,
    DEFAULT_PORTS,
    check_name,
    check_ports,
    check_settings,
    lab_specs,
    short_name,
)

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Stack:
    """One lab. Iterators do their work as they are consumed; close one to interrupt it.

    Services go by their short names or by those of their containers. Every method raises `LabError`s
    only; a lab or service that has to run and does not is `NotRunning`.
    """

    def __init__(
        self, name: str, directory: Path, runtime: Runtime, *, reason: str, ports: Mapping[str, int]
    ) -> None:
        self._name = name
        self._directory = directory
        self._runtime = runtime
        self._reason = reason
        self._ports = ports

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

    def up(self, settings: Mapping[str, str] = _NONE) -> StackEvents:
        """Bring the lab up, whatever state it is in; a second time changes nothing.

        What a failed or interrupted `up` began ends again. A lab that was not there before leaves nothing.

        Args:
            settings: Environment overrides, for this lab from now on.
        """
        given = check_settings(settings)
        lab_directory.check_unclaimed(self._directory)
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            is_new = not lab_directory.holds_lab(self._directory)
            try:
                state = self._state_for_up().with_settings(given)
                lab_state.save(self._directory, state)
                yield from self._lifecycle(state).converge(CORE)
            except BaseException:
                if is_new:
                    self._remove(keep_data=False)
                raise

    def down(self, *, keep_data: bool = False) -> StackEvents:
        """Take the lab away, in whatever state it is; `keep_data` leaves its rows and its ports."""
        if not lab_directory.holds_lab(self._directory):
            yield StackNoted(f"there is no lab {self._name}: nothing to take down")
            return
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            yield from self._lifecycle(self._state_for_down()).end(CORE)
            self._remove(keep_data=keep_data)
            for service in CORE:
                yield ServiceChanged(service, "removed", "data kept" if keep_data else "")

    def status(self) -> Mapping[str, Observed]:
        """Every service of the lab as it is now; those that do not exist are `missing`."""
        state = lab_state.load(self._directory)
        observed = self._runtime.observe()
        with ThreadPoolExecutor(max_workers=len(CORE)) as pool:
            seen = pool.map(lambda name: self._examine(name, observed.get(name), state), CORE)
            return dict(zip(CORE, seen, strict=True))

    def running(self) -> bool:
        """Whether every service is healthy."""
        return all(seen.state == "healthy" for seen in self.status().values())

    def urls(self) -> Mapping[str, str]:
        """Where `api`, `redis` and `postgres` are reached, or would be if the lab were up."""
        return topology.urls(self._known_ports())

    def stop(self, service: str) -> StackEvents:
        """End a service in good order. One that does not run stays as it is."""
        return self._change(service, lambda lifecycle, name: lifecycle.end((name,)))

    def start(self, service: str) -> StackEvents:
        """Start a service and wait until it is healthy; where it waits for another, until it runs."""
        return self._change(service, lambda lifecycle, name: lifecycle.converge((name,)))

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
        given = check_settings(settings, short_name(self._name, service))

        def renew(lifecycle: Lifecycle, name: str) -> StackEvents:
            state = self._required_state().with_service_settings(name, given)
            lab_state.save(self._directory, state)
            yield from lifecycle.end((name,))
            yield from self._lifecycle(state).converge((name,))

        return self._change(service, renew)

    def exec(self, service: str, argv: Sequence[str]) -> ExecResult:
        """Run a command where the service runs; `psql`, `pg_isready` and `redis-cli` reach the lab's."""
        name = short_name(self._name, service)
        self._required_state()
        return self._runtime.exec(name, argv)

    def logs(
        self, services: Sequence[str] = (), *, tail: int | None = None, follow: bool = False
    ) -> Generator[LogLine, None, None]:
        """The lines of these services' logs, of all for none; with `follow`, until it is closed."""
        names = [short_name(self._name, service) for service in services] or list(CORE)
        self._required_state()
        return self._runtime.logs(names, tail=tail, follow=follow)

    def usage(self) -> Mapping[str, Usage]:
        """Resources of every running service."""
        return self._runtime.usage()

    def _change(self, service: str, do: Callable[[Lifecycle, str], StackEvents]) -> StackEvents:
        name = short_name(self._name, service)
        self._required_state()
        with LabLock(self._directory) as lock:
            yield from lock.acquire()
            yield from do(self._lifecycle(self._required_state()), name)

    def _lifecycle(self, state: LabState) -> Lifecycle:
        url = topology.urls(state.ports)["postgres"]
        return Lifecycle(self._runtime, lab_specs(state), {"postgres": lambda: apply_schema(url)})

    def _examine(self, name: str, seen: Observed | None, state: LabState | None) -> Observed:
        if seen is None or state is None:
            return seen or Observed(service=name, state="missing")
        if seen.state != "running":
            return seen
        check = lab_specs(state)[name].health
        lack = ailment(check, pid=seen.pid if self.kind == "local" else None)
        if not lack:
            return replace(seen, state="healthy")
        young = seen.started_at is not None and time.time() - seen.started_at < check.seconds
        return replace(seen, state="starting" if young else "unhealthy", detail=lack)

    def _required_state(self) -> LabState:
        state = lab_state.load(self._directory)
        if state is None:
            raise NotRunning(f"there is no lab {self._name}", hint="start one with `labctl up`")
        return state

    def _known_ports(self) -> Mapping[str, int]:
        state = lab_state.load(self._directory)
        default = DEFAULT_PORTS if self._name == DEFAULT_NAME else {}
        known = {**default, **(state.ports if state else {}), **self._ports}
        if set(known) < set(DEFAULT_PORTS):
            raise NotRunning(
                f"there is no lab {self._name}, so its ports are not chosen yet",
                hint=f"start it with `labctl --name {self._name} up`",
            )
        return known

    def _state_for_up(self) -> LabState:
        state = lab_state.load(self._directory)
        if state is not None:
            return replace(state, ports={**state.ports, **self._ports})
        if self._name == DEFAULT_NAME:
            return LabState(runtime=self.kind, ports={**DEFAULT_PORTS, **self._ports})
        taken = lab_directory.ports_of_labs(self._directory.parent)
        chosen = choose_free(len(DEFAULT_PORTS), taken=taken)
        return LabState(
            runtime=self.kind, ports={**dict(zip(DEFAULT_PORTS, chosen, strict=True)), **self._ports}
        )

    def _state_for_down(self) -> LabState:
        # A lab that can't be understood any more must still be possible to take away.
        with suppress(StateUnusable):
            if state := lab_state.load(self._directory):
                return state
        return LabState(runtime=self.kind, ports=DEFAULT_PORTS)

    def _remove(self, *, keep_data: bool) -> None:
        self._runtime.remove(keep_data=keep_data)
        if not keep_data:
            lab_directory.take_away(self._directory)


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
        ports: Ports by endpoint (`api`, `redis`, `postgres`), instead of the chosen ones.

    Raises:
        UsageError: the name, a port or an endpoint is impossible.
        EnvironmentFault: the runtime is not to be had.
    """
    settings = StackSettings.from_env()
    # Resolved, because the system names the working directory of a process so.
    directory = ((home or settings.home) / check_name(name)).resolve()
    if runtime == "docker":
        raise EnvironmentFault(
            "the Docker runtime is not part of this version of labctl",
            hint="leave --runtime out, or say --runtime local: the same lab, without Docker",
        )
    reason = "it was asked for" if runtime == "local" else "this version of labctl runs labs without Docker"
    return Stack(
        name, directory, LocalRuntime(directory, settings), reason=reason, ports=check_ports(ports or {})
    )
