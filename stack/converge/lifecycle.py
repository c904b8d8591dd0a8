"""The life cycle of a lab: observe, plan, apply. Written once, over the `Runtime` protocol."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from stack import ports
from stack.converge import executor as crew
from stack.converge.executor import CancelToken
from stack.converge.health import probe, trouble
from stack.converge.plan import Action, in_order, plan
from stack.errors import DeadlinePassed, EnvironmentFault, LabError, NotRunning
from stack.spec.events import ServiceChanged, StackEvents
from stack.spec.runtime import FaultSignal, Observed, Runtime, RuntimeKind
from stack.spec.service import HealthCheck, ServiceSpec
from stack.wait import wait_until, waiting

#: Lines of a log in an error.
_TAIL: Final = 8
#: s that a service gets to end of which there is no specification.
_STOP_SECONDS: Final = 10.0
#: s until a frozen process is seen to be.
_PAUSE_SECONDS: Final = 5.0
#: s within which a worker notices that an outage is over.
_RECOVERY_SECONDS: Final = 6.0
#: s between two reports that a service is still starting.
_TELL_SECONDS: Final = 2.0
#: s between two looks at a service that starts. An engine has to be asked, which costs it some work.
_POLL_SECONDS: Final[Mapping[RuntimeKind, float]] = {"local": 0.02, "docker": 0.1}


class Lifecycle:
    """Brings services to where they should be.

    Args:
        runtime: What runs them.
        specs: What they should be, by short name.
        furnish: Work that completes a service each time that it was started and answers; it gives back what
            that changed, for a person.
        diagnose: What a service lacks, given its check and what was seen of it; see `health.ailment`.
        trouble: Why one that lacks nothing does not get its work done; see `health.trouble`.
        describe_holder: Who holds a port that a service needs.
    """

    def __init__(
        self,
        runtime: Runtime,
        specs: Mapping[str, ServiceSpec],
        post_start: Mapping[str, Callable[[], str]],
        diagnose: Callable[[HealthCheck, Observed], str] = probe,
        trouble: Callable[[HealthCheck], str] = trouble,
        describe_holder: Callable[[int], str] = ports.describe_holder,
    ) -> None:
        self._runtime = runtime
        self._specs = specs
        self._post_start = post_start
        self._diagnose = diagnose
        self._trouble = trouble
        self._describe_holder = describe_holder
        self._begun: list[str] = []

    def converge(self, services: Collection[str]) -> StackEvents:
        """Bring these services up, or leave those that are. What it began ends again if it fails.

        Raises:
            PortHeld: before anything is started.
            DeadlinePassed: a service is not healthy in time.
            EnvironmentFault: a service ended while it started, or can't be started.
        """
        observed = self._runtime.observe()
        actions = [action for action in plan(self._specs, observed) if action.service in services]
        self._clear_the_dead(actions, observed)
        self._check_ports(actions, observed)
        self._begun = []
        try:
            yield from crew.work(
                {action.service: partial(self._apply, action) for action in actions},
                {name: spec.depends_on for name, spec in self._specs.items()},
            )
        except BaseException:
            # Also when the user interrupts, or closes the iterator.
            self._undo()
            raise

    def end(self, services: Collection[str]) -> StackEvents:
        """Stop these services, each before those that it depends on; also those without a specification."""
        observed = self._runtime.observe()
        after: dict[str, set[str]] = {name: set() for name in services}
        for name in services:
            for needed in self._specs[name].depends_on if name in self._specs else ():
                after.setdefault(needed, set()).add(name)
        yield from crew.work(
            {name: partial(self._stop, name, observed.get(name)) for name in services}, after
        )

    def inject(self, service: str, fault: FaultSignal) -> StackEvents:
        """Kill, freeze or unfreeze a running service.

        Raises:
            NotRunning: there is nothing that a signal could reach.
        """
        seen = self._runtime.observe().get(service)
        if seen is None or seen.pid is None:
            raise NotRunning(f"{service} does not run", hint="start it with `labctl up`")
        match fault:
            case "kill":
                self._runtime.signal(service, fault)
                yield ServiceChanged(service, "died", "SIGKILL")
            case "pause":
                self._runtime.signal(service, fault)
                wait_until(
                    lambda: self._runtime.observe()[service].state == "paused",
                    seconds=_PAUSE_SECONDS,
                    reason=f"{service} is frozen",
                    hint="try again",
                )
                yield ServiceChanged(service, "paused", "SIGSTOP")
            case "resume":
                yield from self.converge((service,))

    def _clear_the_dead(self, actions: Collection[Action], observed: Mapping[str, Observed]) -> None:
        """End what a dead service left behind: an orphan may hold its port."""
        for action in actions:
            if action.verb == "replace" and observed[action.service].state == "died":
                self._runtime.stop(action.service, seconds=0)

    def _check_ports(self, actions: Collection[Action], observed: Mapping[str, Observed]) -> None:
        own = {seen.port for seen in observed.values() if seen.pid is not None}
        wanted = [
            (action.service, port)
            for action in actions
            if action.verb in ("start", "replace")
            and (port := self._specs[action.service].port) is not None
            and port not in own
        ]
        ports.require_free(wanted, self._describe_holder)

    def _apply(self, action: Action, token: CancelToken) -> None:
        spec = self._specs[action.service]
        begun = time.monotonic()
        match action.verb:
            case "keep":
                pass
            case "resume":
                self._runtime.signal(spec.name, "resume")
            case "replace" | "start":
                self._start(spec, action, token)
        if missing := self._missing_dependencies(spec):
            text = f"waits for {' and '.join(missing)}"
            token.report(ServiceChanged(spec.name, "running", text))
            return
        self._await_health(spec, token)
        # Also what was running all the time may lack something by now: a table that somebody dropped.
        changed = self._post_start[spec.name]() if spec.name in self._post_start else ""
        took = "" if action.verb == "keep" else f"{time.monotonic() - begun:.1f} s"
        if trouble := self._lasting_trouble(spec, token):
            token.report(ServiceChanged(spec.name, "unhealthy", trouble))
            return
        where = f"{spec.health.host}:{spec.port}" if spec.port else ""
        token.report(ServiceChanged(spec.name, "healthy", ", ".join(filter(None, (where, took, changed)))))

    def _start(self, spec: ServiceSpec, action: Action, token: CancelToken) -> None:
        token.report(ServiceChanged(spec.name, "starting", action.why))
        self._begun.append(spec.name)
        if action.verb == "replace":
            self._runtime.stop(spec.name, seconds=spec.stop_seconds)
        token.raise_if_cancelled()
        self._runtime.start(spec)

    def _stop(self, name: str, seen: Observed | None, token: CancelToken) -> None:
        if seen is not None and seen.pid is not None:
            token.report(ServiceChanged(name, "stopping"))
        if seen is not None:
            spec = self._specs.get(name)
            self._runtime.stop(name, seconds=spec.stop_seconds if spec else _STOP_SECONDS)
            token.report(ServiceChanged(name, "stopped"))

    def _missing_dependencies(self, spec: ServiceSpec) -> list[str]:
        """Those without which it can't become healthy, whatever it does."""
        observed = self._runtime.observe()
        return [name for name in spec.depends_on if name not in observed or observed[name].state != "running"]

    def _await_health(self, spec: ServiceSpec, token: CancelToken) -> None:
        lack = ""

        def fit() -> bool:
            nonlocal lack
            token.raise_if_cancelled()
            seen = self._runtime.observe().get(spec.name)
            if seen is None or seen.pid is None:
                raise self._ended(spec)
            lack = self._diagnose(spec.health, seen)
            if lack and seen.health_output:
                lack += f" (its own health check says: {seen.health_output})"
            # Of one that ran before, the runtime's opinion may be as of before its repair.
            if lack and seen.unhealthy and spec.name in self._begun:
                raise self._unhealthy(EnvironmentFault, spec, "", lack)
            return not lack

        told = 0.0
        try:
            poll = _POLL_SECONDS[self._runtime.kind]
            for waited in waiting(
                fit, seconds=spec.health.seconds, reason="it is healthy", hint="", poll=poll
            ):
                if waited - told >= _TELL_SECONDS:
                    told = waited
                    token.report(ServiceChanged(spec.name, "starting", f"{waited:.0f} s: it {lack}"))
        except DeadlinePassed as error:
            raise self._unhealthy(DeadlinePassed, spec, f" after {spec.health.seconds:g} s", lack) from error

    def _lasting_trouble(self, spec: ServiceSpec, token: CancelToken) -> str:
        """Why it does not get its work done. A worker notices within seconds that an outage is over: that is
        waited for; what lasts is not this lab's to mend, such as a lock that somebody holds."""

        def over() -> bool:
            token.raise_if_cancelled()
            return not self._trouble(spec.health)

        with suppress(DeadlinePassed):
            poll = _POLL_SECONDS[self._runtime.kind]
            seconds = _RECOVERY_SECONDS if spec.health.protocol == "worker" else 0.0
            wait_until(over, seconds=seconds, reason="it gets its work done", hint="", poll=poll)
        return self._trouble(spec.health)

    def _unhealthy(
        self, kind: type[EnvironmentFault], spec: ServiceSpec, when: str, lack: str
    ) -> EnvironmentFault:
        return kind(
            f"{spec.name} is not healthy{when}: it {lack}{self._tail(spec)}",
            hint=f"`labctl logs {spec.name}` may say more; `labctl doctor` checks the machine",
        )

    def _ended(self, spec: ServiceSpec) -> EnvironmentFault:
        return EnvironmentFault(
            f"{spec.name} ended while it was starting{self._tail(spec)}",
            hint="see the last lines of its log above; `labctl doctor` checks the machine",
        )

    def _tail(self, spec: ServiceSpec) -> str:
        lines = [line.text for line in self._runtime.logs([spec.name], tail=_TAIL, follow=False)]
        return "; its log ends with:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""

    def _undo(self) -> None:
        for name in reversed([name for name in in_order(self._specs) if name in self._begun]):
            # The first error is the one to tell; what could not be ended here, `down` ends.
            with suppress(LabError):
                self._runtime.stop(name, seconds=self._specs[name].stop_seconds)
