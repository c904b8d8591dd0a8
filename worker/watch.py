"""The worker's own look at the queue. It makes up for lost flush signals and publishes its state."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import redis
from rq.suspension import WORKERS_SUSPENDED

from service.flush_signal import FlushSignal
from service.lasting import Conditions
from service.writebehind.buffer import Buffer
from service.writebehind.errors import WriteBehindError
from service.writebehind.settings import Settings
from worker.condition import Condition
from worker.flush import Flusher
from worker.stopping import StopRequest

_log = logging.getLogger(__name__)

#: Time between looks.
_LOOK_S: Final = 0.5
#: A request to stop is noticed within this time.
_NAP_S: Final = 0.1


class Watch:
    """A thread that publishes the worker's state, and signals a flush when there is work, no job waits and
    this worker is idle. Nothing else does after a FLUSHALL, a killed API or worker, or an ended lease."""

    def __init__(
        self,
        client: redis.Redis,
        buffer: Buffer,
        flusher: Flusher,
        signal: FlushSignal,
        settings: Settings,
        stop: StopRequest,
        *,
        condition: Condition,
        conditions: Conditions,
        measured: Callable[[], Mapping[str, object]],
    ) -> None:
        """`measured` gives what else is published of the worker, as it is at the moment."""
        self._client = client
        self._buffer = buffer
        self._flusher = flusher
        self._signal = signal
        self._settings = settings
        self._stop = stop
        self._condition = condition
        self._conditions = conditions
        self._measured = measured
        self._name = worker_name()
        self._facts: dict[str, object] = {
            "name": self._name,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started_at": time.time(),
            "settings": settings.live(),
        }
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop watching, and remove the published state."""
        self._ended.set()
        self._condition.changed.set()
        self._thread.join()
        try:
            self._buffer.farewell(self._name)
        except WriteBehindError as error:
            _log.debug("could not remove the published state: %s", error)

    def _run(self) -> None:
        looked_at = float("-inf")
        while not self._ended.is_set():
            self._condition.changed.clear()
            try:
                self._notice()
                self._buffer.heartbeat(
                    self._name, self._condition.document({**self._facts, **self._measured()})
                )
                if time.monotonic() - looked_at >= _LOOK_S:
                    looked_at = time.monotonic()
                    self._look()
            except (redis.RedisError, WriteBehindError) as error:
                _log.debug("could not look at the queue: %s", error)
            self._conditions.look()
            self._rest()

    def _rest(self) -> None:
        """Wait for the next look, or until there is something to publish."""
        # A signal handler can't set an event: it would take a lock.
        ends, stopping = time.monotonic() + _LOOK_S, self._stop.requested
        while time.monotonic() < ends and stopping == self._stop.requested:
            if self._condition.changed.wait(_NAP_S):
                return

    def _notice(self) -> None:
        """Set the states that the flusher can't notice itself: stopping and suspended."""
        if self._stop.requested:
            self._condition.become("stopping")
        suspended, state = bool(self._client.exists(WORKERS_SUSPENDED)), self._condition.report.state
        if suspended and state == "idle" and not self._flusher.busy:
            self._condition.become(
                "suspended", "`rq suspend` was called; `rq resume` lets it go on", "suspended"
            )
        elif not suspended and state == "suspended":
            self._condition.become("idle")

    def _look(self) -> None:
        # Restore even while a job runs: under load there always is one.
        if restored := self._buffer.restore():
            self._conditions.met(
                "restored", "queued pending entries that were missing from the queue", restored
            )
        if self._flusher.busy:
            return
        if self._buffer.has_work(self._settings) and self._signal.waiting() == 0:
            self._signal()


def worker_name() -> str:
    """The name of this process, if it is a worker."""
    return f"{socket.gethostname()}-{os.getpid()}"
