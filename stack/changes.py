"""What changes a lab: each command sees once what there is, makes a plan, and carries it out under a lock."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from stack.backend import describe_holder
from stack.converge import drain, redis_options
from stack.converge.lifecycle import Converged, Lifecycle, Surroundings
from stack.converge.plan import Plan
from stack.converge.planner import plan_down, plan_stop, plan_up
from stack.converge.readiness import Readiness
from stack.converge.schema import apply_schema
from stack.errors import LabError, StateUnusable
from stack.redis_wire import redis_at
from stack.resolve import KnownState
from stack.spec.events import ServiceChanged, StackEvents, StackNoted
from stack.spec.hints import labctl
from stack.spec.runtime import Snapshot
from stack.spec.services import urls
from stack.state import directory as lab_directory
from stack.state import lab as lab_state
from stack.state import lock
from stack.state.kept_settings import KeptSettings
from stack.state.lab import LabState
from stack.state.lock import LabLock


@dataclass(frozen=True, slots=True)
class Up:
    """What an `up` is to do: the state that the lab is to be in, and how it gets there."""

    state: LabState
    snapshot: Snapshot
    plan: Plan


class Changes:
    """Changes one lab. Iterators do their work as they are consumed; close one to interrupt it."""

    def __init__(self, known: KnownState) -> None:
        self._known = known
        self._directory = known.directory
        self._backend = known.backend
        self._runtime = known.backend.runtime

    def look(self) -> Snapshot:
        """The lab and what surrounds it as they are now."""
        snapshot = self._runtime.snapshot()
        redis = snapshot.services.get("redis")
        if redis is None or redis.pid is None or redis.port is None:
            return snapshot
        where = redis_at(redis.port)
        return replace(snapshot, unwritten=drain.unwritten(where), redis_options=redis_options.read(where))

    def prepare_up(self, settings: Mapping[str, str], observability: bool | None) -> Up:
        """What `up` would do now; changes nothing."""
        snapshot = self.look()
        state = self._known.for_up(snapshot.services, observability).with_settings(settings)
        return Up(state, snapshot, plan_up(self._backend.specs(state), snapshot))

    def up(self, settings: Mapping[str, str], observability: bool | None) -> Converged:
        """Carry out what `prepare_up` says; a failed one leaves the lab's settings as they were, and nothing
        of a lab that was not there before."""
        lab_directory.check_unclaimed(self._directory)
        # An engine that does not answer is told of before anything is made.
        self._runtime.connect()
        made = [path for path in (self._directory, self._directory.parent) if not path.exists()]
        with LabLock(self._directory) as held:
            yield from held.acquire()
            try:
                before = lab_state.load(self._directory)
                up = self.prepare_up(settings, observability)
            except BaseException:
                _unmake(made)
                raise
            is_new = not lab_directory.holds_lab(self._directory) and _is_empty(up.snapshot)
            try:
                lab_state.save(self._directory, up.state)
                observed = yield from self._lifecycle(up.state, up.snapshot).run(up.plan)
                self._drop_live(up.state, settings)
            except BaseException as error:
                self._go_back(before, is_new=is_new)
                self._restore_api(before, up.snapshot)
                if isinstance(error, LabError):
                    raise error.followed_by(self._aftermath()) from error
                raise
        return observed

    def prepare_down(self, *, keep_data: bool) -> tuple[Snapshot, Plan]:
        """What `down` would do now; changes nothing."""
        snapshot = self.look()
        if self._is_nowhere(snapshot, keep_data=keep_data):
            return snapshot, Plan(())
        specs = self._backend.specs(self._down_state(snapshot))
        return snapshot, plan_down(specs, snapshot, keep_data=keep_data)

    def down(self, *, keep_data: bool) -> StackEvents:
        """Carry out what `prepare_down` says."""
        if not lab_directory.holds_lab(self._directory):
            snapshot, plan = self.prepare_down(keep_data=keep_data)
            if not plan.nodes:
                lab_directory.forget_settings(self._directory)
                yield StackNoted(f"there is no lab {self._known.name}: nothing to take down")
                return
        with LabLock(self._directory) as held:
            yield from held.acquire()
            # Another labctl may have changed the lab while this one waited for the lock.
            snapshot, plan = self.prepare_down(keep_data=keep_data)
            state = self._down_state(snapshot)
            remove = partial(self._remove, plan, keep_data)
            yield from self._lifecycle(state, snapshot, remove).run(plan)

    def change(self, do: Callable[[LabState], StackEvents]) -> StackEvents:
        """Do something to a lab that has to be there, while nothing else changes it."""
        self._known.required()
        with LabLock(self._directory) as held:
            yield from held.acquire()
            yield from do(self._known.required())

    def stop(self, state: LabState, service: str) -> StackEvents:
        """End a service in good order."""
        snapshot = self._runtime.snapshot()
        plan = plan_stop(self._backend.specs(state), (service,), snapshot)
        yield from self._lifecycle(state, snapshot).run(plan)

    def start(self, state: LabState, service: str) -> StackEvents:
        """Bring one service up."""
        snapshot = self._runtime.snapshot()
        plan = plan_up(self._backend.specs(state), snapshot, (service,))
        yield from self._lifecycle(state, snapshot).run(plan)

    def restart(self, state: LabState, service: str, settings: Mapping[str, str]) -> StackEvents:
        """Stop a service and start it, with settings that it has from now on."""
        changed = state.with_service_settings(service, settings)
        lab_state.save(self._directory, changed)
        yield from self.stop(changed, service)
        yield from self.start(changed, service)
        self._drop_live(changed, settings)

    def _lifecycle(
        self,
        state: LabState,
        snapshot: Snapshot,
        remove: Callable[[str], StackEvents] | None = None,
    ) -> Lifecycle:
        supplies = self._backend.supplies if remove is None else {**self._backend.supplies, "lab": remove}
        surroundings = Surroundings(
            supplies=supplies,
            check=self._backend.check,
            apply_schema=lambda: apply_schema(urls(state.ports)["postgres"]),
            describe_holder=describe_holder,
        )
        specs = self._backend.specs(state)
        return Lifecycle(self._runtime, specs, snapshot, Readiness(self._runtime), surroundings)

    def _drop_live(self, state: LabState, settings: Mapping[str, str]) -> None:
        """What was set last counts: not what was set live before."""
        redis = redis_at(state.ports["redis"])
        KeptSettings(self._directory, redis).drop(name.lower() for name in settings)

    def _is_nowhere(self, snapshot: Snapshot, *, keep_data: bool) -> bool:
        """Whether nothing is left to take away; a lab may be broken, or one that compose started."""
        there = snapshot.services or (snapshot.volumes and not keep_data)
        return not there and not lab_directory.holds_lab(self._directory)

    def _down_state(self, snapshot: Snapshot) -> LabState:
        """With all that an earlier `up` may have had. A lab whose state can't be read goes away as well."""
        state = None
        with suppress(StateUnusable):
            state = lab_state.load(self._directory)
        return replace(state or self._known.unremembered(snapshot.services), observability=True)

    def _remove(self, plan: Plan, keep_data: bool, _: str) -> StackEvents:
        self._take_away(keep_data=keep_data)
        for node in plan.nodes:
            if node.verb == "stop":
                kept = keep_data and node.name == "postgres"
                yield ServiceChanged(node.name, "removed", "data kept" if kept else "")

    def _take_away(self, *, keep_data: bool) -> None:
        self._runtime.remove(keep_data=keep_data)
        if not keep_data:
            lab_directory.take_away(self._directory)

    def _go_back(self, before: LabState | None, *, is_new: bool) -> None:
        """Forget what a failed `up` was given: a setting that no service starts with would fail the next."""
        # The first error is the one to tell.
        with suppress(LabError):
            if is_new:
                self._take_away(keep_data=False)
            elif before is not None:
                lab_state.save(self._directory, before)

    def _restore_api(self, before: LabState | None, snapshot: Snapshot) -> None:
        """Start the API again if it was stopped for a drain that failed: a refused change must leave a lab
        that serves."""
        api = snapshot.services.get("api")
        if before is None or api is None or api.state != "running":
            return
        # The first error is the one to tell.
        with suppress(LabError):
            services = self._runtime.observe()
            redis = services.get("redis")
            if redis is not None and redis.state == "running" and services["api"].pid is None:
                self._runtime.start(self._backend.specs(before)["api"])

    def _aftermath(self) -> str:
        with suppress(LabError):
            services = self._runtime.observe()
            left = [name for name, seen in services.items() if seen.pid is not None]
            if not services and not lab_directory.holds_lab(self._directory):
                return "Nothing of the lab is left."
            running = f"What still runs: {', '.join(left)}" if left else "Nothing runs"
            return f"{running}; {labctl('up')} goes on from there, {labctl('down')} takes the lab away."
        return f"{labctl('down')} takes away what is there."


def _unmake(directories: Sequence[Path]) -> None:
    """Remove directories that hold only a lock, the lab's own one first."""
    for directory in directories:
        with suppress(OSError):
            (directory / lock.FILE).unlink(missing_ok=True)
            directory.rmdir()


def _is_empty(snapshot: Snapshot) -> bool:
    return not snapshot.services and not snapshot.volumes
