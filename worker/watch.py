"""The worker's own look at the queue: it makes up for every signal that got lost."""

import json
import logging
import os
import socket
import threading
import time
from dataclasses import asdict
from typing import Final

import redis

from service.flush_signal import FlushSignal
from service.writebehind.buffer import Buffer
from service.writebehind.errors import WriteBehindError
from service.writebehind.settings import Settings
from worker.flush import Flusher

_log = logging.getLogger(__name__)

#: s between looks.
_LOOK_SECONDS: Final = 0.5


class Watch:
    """A thread that says that the worker lives, and signals a flush when there is work, no job waits and
    this worker is idle: after a FLUSHALL, a killed API or worker, or an ended lease nobody else does."""

    def __init__(
        self, client: redis.Redis, buffer: Buffer, flusher: Flusher, signal: FlushSignal, settings: Settings
    ) -> None:
        self._client = client
        self._buffer = buffer
        self._flusher = flusher
        self._signal = signal
        self._settings = settings
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._announcement = {
            "name": self._name,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started_at": time.time(),
            "settings": asdict(settings),
        }
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop watching and take the announcement back."""
        self._ended.set()
        self._thread.join()
        try:
            self._buffer.farewell(self._name)
        except WriteBehindError as error:
            _log.debug("could not take the announcement back: %s", error)

    def _run(self) -> None:
        while True:
            try:
                self._look()
            except (redis.RedisError, WriteBehindError) as error:
                _log.debug("no look at the queue: %s", error)
            if self._ended.wait(_LOOK_SECONDS):
                return

    def _look(self) -> None:
        idle = not self._flusher.busy
        state: dict[str, object] = {
            "state": "idle" if idle else "flushing",
            "reason": "",
            "code": "",
            "for_ms": 0,
            "blocked_by": [],
        }
        self._buffer.heartbeat(self._name, json.dumps(self._announcement | state).encode())
        if not idle:
            return
        if restored := self._buffer.restore():
            _log.warning("%d pending entries were queued nowhere, and are again", restored)
        if self._buffer.has_work(self._settings) and self._signal.waiting() == 0:
            self._signal()
