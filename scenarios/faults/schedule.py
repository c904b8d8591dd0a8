"""Injects faults while something else goes on: each target's actions in a thread of their own, on time."""

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from scenarios.events import Event
from scenarios.faults.action import Action, Fault, Target
from scenarios.faults.inject import Injected, Injector

#: How long before the next action of its target the wait for the effect of one ends, s.
_MARGIN_S: Final = 0.2


class Outages(Protocol):
    """Is told when services are away."""

    def begin_outage(self) -> None: ...

    def end_outage(self) -> None: ...


class Schedule:
    """The faults of one load. A context manager: leaving it ends the threads, but mends nothing."""

    def __init__(self, injector: Injector, faults: Sequence[Fault]) -> None:
        self._injector = injector
        self._actions: dict[Target, list[Action]] = {}
        for fault in faults:
            for action in fault.actions:
                self._actions.setdefault(action.target, []).append(action)
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._ended = threading.Event()
        self._away: set[Target] = set()
        self._outages: Outages | None = None
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max(1, len(self._actions)), thread_name_prefix="fault")
        self._running: list[Future[None]] = []
        #: What was injected so far, in the order of the receipts.
        self.injected: Final[list[Injected]] = []

    @property
    def left_out(self) -> list[Action]:
        """What should have been broken, and was not, because the load ended before."""
        tried = {one.action for one in self.injected}
        planned = (action for actions in self._actions.values() for action in actions if action.breaks)
        return [action for action in planned if action not in tried]

    def start(self, began_at: float, outages: Outages) -> None:
        """Inject from now on.

        Args:
            began_at: When the load began, s of the monotonic clock.
            outages: Told when a service goes away because of a fault, and when all are back.
        """
        self._outages = outages
        for actions in self._actions.values():
            actions.sort(key=lambda action: action.at or 0.0)
            self._running.append(self._pool.submit(self._run, actions, began_at))

    def events(self) -> Iterator[Event]:
        """What happened since the last call."""
        while True:
            try:
                yield self._events.get_nowait()
            except Empty:
                return

    def end(self) -> None:
        """Inject nothing more, and wait for what is being done. Raises what a thread raised."""
        self._ended.set()
        for running in self._running:
            running.result()

    def __enter__(self) -> "Schedule":
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._pool.shutdown()

    def _run(self, actions: Sequence[Action], began_at: float) -> None:
        for number, action in enumerate(actions):
            if self._ended.wait(max(0.0, began_at + (action.at or 0.0) - time.monotonic())):
                return
            following = actions[number + 1].at if number + 1 < len(actions) else None
            self._inject(action, None if following is None else began_at + following - _MARGIN_S)

    def _inject(self, action: Action, until: float | None) -> None:
        def over() -> bool:
            return self._ended.is_set() or (until is not None and time.monotonic() >= until)

        if action.takes_service_away:
            self._set_away(action.target, away=True)
        for event in self._keep_receipt(self._injector.inject(action, over=over)):
            self._events.put(event)
        if not action.breaks:
            self._set_away(action.target, away=False)

    def _keep_receipt(self, events: Generator[Event, None, Injected]) -> Iterator[Event]:
        self.injected.append((yield from events))

    def _set_away(self, target: Target, *, away: bool) -> None:
        with self._lock:
            was = bool(self._away)
            (self._away.add if away else self._away.discard)(target)
            if self._outages is None or bool(self._away) == was:
                return
            (self._outages.begin_outage if away else self._outages.end_outage)()
