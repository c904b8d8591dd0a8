"""Carries plans out. It decides nothing: what a plan names is done, in the order of its edges."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from stack import ports
from stack.converge import drain, executor
from stack.converge.executor import CancelToken, InlineTask, Task
from stack.converge.plan import Kind, Node, Plan, Verb
from stack.converge.readiness import Readiness
from stack.converge.redis_options import tune
from stack.errors import LabError
from stack.redis_wire import redis_at
from stack.spec.events import ServiceChanged, StackEvent, StackEvents
from stack.spec.runtime import Observed, Runtime, Snapshot
from stack.spec.service import ServiceSpec

#: s that a service without a specification gets to stop in.
_STOP_SECONDS: Final = 10.0
#: What is done in the thread that consumes the events, because it reports much or takes long.
_INLINE: Final[tuple[Kind, ...]] = ("image", "network", "volume", "lab")

#: Makes what a node of its kind names.
Supply = Callable[[str], StackEvents]
#: What was seen last of each service of a plan that came up.
Converged = Generator[StackEvent, None, Mapping[str, Observed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a plan can ask for beside services."""

    #: By kind of node: images, networks, volumes, the lab as a whole.
    supplies: Mapping[Kind, Supply] = field(default_factory=dict)
    #: Raises where this machine does not allow these services; given by short name.
    check: Callable[[Mapping[str, ServiceSpec]], None] = lambda specs: None
    #: Completes the database; what could not be seen to, for a person.
    apply_schema: Callable[[], str] = lambda: ""
    #: Who holds a port.
    describe_holder: Callable[[int], str] = ports.describe_holder


class Lifecycle:
    """Carries out plans for the services of one lab.

    Args:
        runtime: What runs them.
        specs: What they should be, by short name.
        snapshot: What the plans were made from.
        readiness: How their health is found out.
        surroundings: What is needed beside them.
    """

    def __init__(
        self,
        runtime: Runtime,
        specs: Mapping[str, ServiceSpec],
        snapshot: Snapshot,
        readiness: Readiness,
        surroundings: Surroundings,
    ) -> None:
        self._runtime = runtime
        self._specs = specs
        self._snapshot = snapshot
        self._readiness = readiness
        self._surroundings = surroundings
        self._begun: set[str] = set()
        self._observed: dict[str, Observed] = {}
        self._do: Mapping[Verb, Callable[[Node, CancelToken], None]] = {
            "stop": self._stop,
            "thaw": self._thaw,
            "drain": self._drain,
            "clear": self._clear,
            "check": self._check,
            "keep": self._keep,
            "tune": self._keep,
            "start": self._start,
            "replace": self._replace,
            "resume": self._resume,
            "apply": self._apply,
        }

    def run(self, plan: Plan) -> Converged:
        """Carry it out; what it began to start ends again if it fails or is closed.

        Raises:
            PortHeld: before anything is started.
            DeadlinePassed: a service is not healthy in time.
            EnvironmentFault: a service ended while it started, or can't be started.
        """
        tasks: dict[str, Task] = {}
        inline: dict[str, InlineTask] = {}
        for node in plan.nodes:
            if node.kind in _INLINE:
                inline[node.key] = partial(self._surroundings.supplies[node.kind], node.name)
            else:
                tasks[node.key] = partial(self._do[node.verb], node)
        try:
            yield from executor.work(tasks, {node.key: node.after for node in plan.nodes}, inline)
        except BaseException:
            # Also when the user interrupts, or closes the iterator.
            self._undo(plan)
            raise
        return self._observed

    def _stop(self, node: Node, token: CancelToken) -> None:
        token.report(ServiceChanged(node.name, "stopping"))
        self._end(node.name)
        token.report(ServiceChanged(node.name, "stopped"))

    def _clear(self, node: Node, token: CancelToken) -> None:
        """End what a dead service left behind: an orphan may hold its port."""
        self._runtime.stop(node.name, seconds=0)

    def _thaw(self, node: Node, token: CancelToken) -> None:
        self._runtime.signal(node.name, "resume")

    def _drain(self, node: Node, token: CancelToken) -> None:
        # Where it listens now; its specification may name another port.
        port = self._snapshot.services[node.name].port or self._specs[node.name].health.port
        drain.drain(redis_at(port), self._runtime, token, best_effort=node.best_effort)

    def _check(self, node: Node, token: CancelToken) -> None:
        self._surroundings.check({name: self._specs[name] for name in node.services})
        ports.require_free(node.ports, self._surroundings.describe_holder)

    def _apply(self, node: Node, token: CancelToken) -> None:
        if told := self._surroundings.apply_schema():
            token.report(ServiceChanged("postgres", "healthy", told))

    def _keep(self, node: Node, token: CancelToken) -> None:
        self._await(node, token, seen=self._snapshot.services[node.name])

    def _resume(self, node: Node, token: CancelToken) -> None:
        begun = time.monotonic()
        self._runtime.signal(node.name, "resume")
        self._await(node, token, begun=begun)

    def _start(self, node: Node, token: CancelToken) -> None:
        begun = time.monotonic()
        token.report(ServiceChanged(node.name, "starting", node.cause))
        self._begin(node, token)
        self._await(node, token, begun=begun, is_new=True)

    def _replace(self, node: Node, token: CancelToken) -> None:
        begun = time.monotonic()
        token.report(ServiceChanged(node.name, "starting", node.cause))
        self._end(node.name)
        self._begin(node, token)
        self._await(node, token, begun=begun, is_new=True)

    def _begin(self, node: Node, token: CancelToken) -> None:
        token.raise_if_cancelled()
        self._begun.add(node.name)
        self._runtime.start(self._specs[node.name])

    def _await(
        self,
        node: Node,
        token: CancelToken,
        *,
        seen: Observed | None = None,
        begun: float | None = None,
        is_new: bool = False,
    ) -> None:
        """Wait until it is fit for work.

        Args:
            node: What was done to it.
            token: Told how it ends.
            seen: What is still true of it; None: nothing.
            begun: When work on it began, in s on the monotonic clock; None: it was left alone.
            is_new: Whether it was started.
        """
        spec = self._specs[node.name]
        if node.waits_for:
            text = f"waits for {' and '.join(node.waits_for)}"
            token.report(ServiceChanged(spec.name, "running", text))
            return
        self._observed[spec.name] = self._readiness.await_health(spec, seen, token, is_new=is_new)
        # Also one that ran all the time may have been given other options meanwhile.
        changed = tune(spec)
        took = "" if begun is None else f"{time.monotonic() - begun:.1f} s"
        where = f"{spec.health.host}:{spec.port}" if spec.port else ""
        detail = ", ".join(filter(None, (where, took, changed)))
        if trouble := self._readiness.lasting_trouble(spec, token):
            token.report(ServiceChanged(spec.name, "unhealthy", trouble))
        else:
            token.report(ServiceChanged(spec.name, "healthy", detail))

    def _end(self, service: str) -> None:
        spec = self._specs.get(service)
        self._runtime.stop(service, seconds=spec.stop_seconds if spec else _STOP_SECONDS)

    def _undo(self, plan: Plan) -> None:
        for node in reversed(plan.nodes):
            if node.verb in ("start", "replace") and node.name in self._begun:
                # The first error is the one to tell; what could not be ended here, `down` ends.
                with suppress(LabError):
                    self._end(node.name)
