"""Injects faults, proves each of them, and mends afterwards what is still broken."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from scenarios.events import Event, FaultInjected
from scenarios.faults.action import FAILURE_SETTINGS, RATE, SIMULATE, TARGETS, Action, Target
from scenarios.faults.look import look
from scenarios.faults.receipt import Receipt, evaluate
from scenarios.faults.sight import Sight
from scenarios.lab.context import Run
from scenarios.preconditions import require_no_dead_letters
from stack.errors import DeadlinePassed, Inconclusive, LabError
from stack.redis_wire import ANSWER_SECONDS
from stack.spec.events import StackEvent, StackNoted
from stack.spec.hints import for_lab, labctl
from stack.undo_log import RunChanges
from stack.wait import waiting

#: How long the worker may take to fail a first attempt: a window and a flush, on a slow machine.
_FAILURE_TIMEOUT_S: Final = 10.0
#: How long a client waits for what should be frozen.
_FROZEN_S: Final = 0.2
#: How long writes that failed on purpose may take to be written, or to be set aside.
_SETTLE_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that was injected, or could not be."""

    action: Action
    event: FaultInjected
    #: The target just before, a frozen one before it was frozen; None if it could not be seen.
    before: Sight | None
    #: When it had taken effect, s of labctl's monotonic clock.
    gone_at: float


def doubt(event: FaultInjected) -> str:
    """Why a fault proves nothing: "redis:kill did not take effect: …"; empty if it is proved."""
    if event.bit is True:
        return ""
    effect = "did not take effect" if event.bit is False else "may have had no effect"
    return f"{event.fault} {effect}: {event.why}"


def require_effect(event: FaultInjected) -> None:
    """Raises Inconclusive unless the fault is proved to have taken effect."""
    if unproved := doubt(event):
        raise Inconclusive(
            unproved, hint=f"is something else changing the lab? see {labctl('status')}, then try again"
        )


def prove(run: Run, action: Action, before: Sight) -> FaultInjected:
    """The receipt of an action that was done by other means.

    Args:
        before: Its target before the action.

    Raises:
        LabError: the target can't be seen.
    """
    receipt = evaluate(action, before, look(run.lab, action.target))
    return FaultInjected(str(action), run.now(), receipt.proofs, receipt.bit, receipt.why)


class Injector:
    """Breaks one run's lab. A context manager: at its end, what is still broken is mended. If the run is
    killed, the next command mends it.

    Different threads may inject faults into different targets.

    Example:
        with Injector(run, [parse_action("worker:kill")]) as injector:
            yield from injector.inject(parse_action("worker:kill"))
    """

    def __init__(self, run: Run, actions: Iterable[Action]) -> None:
        """
        Args:
            actions: All that may be injected.
        """
        self._run = run
        actions = list(actions)
        away = {action.target for action in actions if action.takes_service_away}
        # In the order in which they need each other.
        self._services = [target for target in TARGETS if target in away]
        self._fails = any(action.target == "failures" for action in actions)
        self._settings: Mapping[str, str] = {}
        #: What the run had noted before.
        self._noted = RunChanges()
        #: By target that is broken: how it was before.
        self._whole: dict[Target, Sight] = {}

    def __enter__(self) -> "Injector":
        """Raises Inconclusive if dead letters from before the run would be mixed up with its own."""
        self._noted = self._run.journal.changes
        if self._services:
            self._run.journal.note_services(*self._services)
        if self._fails:
            require_no_dead_letters(self._run)
            self._settings = self._run.probe.live_settings()
            self._run.journal.note_settings(self._settings, FAILURE_SETTINGS)
            self._run.journal.note_dead_letters()
        return self

    def __exit__(self, *error: object) -> None:
        if self._services or self._fails:
            # Quickly: it may be an interruption that ends the block.
            deque(self._mend_services(), maxlen=0)
            if self._fails:
                self._put_back()
                deque(self._requeue(), maxlen=0)
            self._run.journal.go_back(self._noted)

    def inject(
        self, action: Action, *, over: Callable[[], bool] = lambda: False
    ) -> Generator[Event, None, Injected]:
        """Do it, and yield what happens and the receipt. A fault that can't be injected is reported, too.

        Args:
            over: Whether there is no more time to wait for the effect.
        """
        before: Sight | None = None
        whole = self._whole.get(action.target)
        try:
            before = look(self._run.lab, action.target)
            if action.takes_service_away:
                self._whole.setdefault(action.target, before)
            yield from self._do(action)
            at, gone_at = self._run.now(), time.monotonic()
            after = self._look_after(action, before, over)
            receipt = evaluate(action, before, after, self._whole.get(action.target))
            if not action.breaks:
                self._whole.pop(action.target, None)
        except LabError as error:
            at, gone_at = self._run.now(), time.monotonic()
            receipt = Receipt((), bit=False, why=error.message)
        event = FaultInjected(str(action), at, receipt.proofs, receipt.bit, receipt.why)
        yield event
        # What a frozen Redis holds was seen before it was frozen.
        if before is not None and before.memory is None:
            before = whole or before
        return Injected(action, event, before, gone_at)

    def inject_surely(self, action: Action) -> Generator[Event, None, Injected]:
        """`inject` for a run that means nothing without the fault.

        Raises:
            Inconclusive: it is not proved to have taken effect.
        """
        injected = yield from self.inject(action)
        require_effect(injected.event)
        return injected

    def mend(self) -> Generator[Event, None, None]:
        """Mend what is still broken, and wait until what failed on purpose is written or set aside: then that
        goes back into the queue. A second time, nothing is left to do."""
        yield from self._mend_services()
        if self._fails:
            self._put_back()
            # A worker that has yet to see the change may set one more write aside.
            yield from self._run.probe.settle(_SETTLE_TIMEOUT_S)
            yield from self._requeue()

    def _mend_services(self) -> Iterator[StackEvent]:
        status = self._run.lab.status() if self._services else {}
        for service in self._services:
            if status[service].state != "healthy":
                yield from self._run.lab.start(service)

    def _requeue(self) -> Iterator[StackEvent]:
        count = int(self._run.client.requeue_dead_letters()["requeued"])
        if count:
            yield StackNoted(f"{count:,} dead letters of this run are put back into the queue.")

    def _do(self, action: Action) -> Generator[Event, None, None]:
        lab = self._run.lab
        match action.verb:
            case "kill" | "stop" | "start" | "pause" | "resume":
                change = {
                    "kill": lab.kill,
                    "stop": lab.stop,
                    "start": lab.start,
                    "pause": lab.pause,
                    "resume": lab.resume,
                }[action.verb]
                yield from change(action.target)
            case "flushall":
                yield from lab.at_stake("redis")
                self._run.probe.flush_all()
            case "on":
                share = {} if action.share is None else {RATE: action.share}
                self._run.client.change_config({SIMULATE: True, **share})
            case "off":
                self._put_back()

    def _put_back(self) -> None:
        self._run.probe.put_back(self._settings, FAILURE_SETTINGS)

    def _look_after(self, action: Action, before: Sight, over: Callable[[], bool]) -> Sight:
        """The target after the action. Failures show only once the worker has tried to write."""
        # What is frozen never answers, and what comes next must not wait for it.
        patience = _FROZEN_S if action.verb == "pause" else ANSWER_SECONDS
        after = look(self._run.lab, action.target, seconds=patience)
        if action.verb != "on":
            return after
        try:
            for _ in waiting(
                lambda: look(self._run.lab, "failures").failed > before.failed or over(),
                seconds=_FAILURE_TIMEOUT_S,
                reason="an attempt to write has failed",
                hint=for_lab(f"is the worker running? see {labctl('logs worker')}", self._run.lab.name),
                poll=0.1,
            ):
                pass
        except DeadlinePassed:
            return after
        return look(self._run.lab, "failures")
