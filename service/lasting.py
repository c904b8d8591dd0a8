"""Bounded logs: a lasting condition is logged when it begins, every 30 s with a count, and when it ends."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Time between two lines about one condition.
_EVERY_S: Final = 30.0


@dataclass(slots=True)
class _Met:
    #: Monotonic time, in s.
    began: float
    logged_at: float
    sentence: str
    #: How often it was met: in all, and since the last line.
    total: int
    unlogged: int = 0


class Conditions:
    """What is wrong at the moment, by names that the caller chooses. Threads may share it.

    >>> conditions = Conditions(logging.getLogger("worker"))
    >>> conditions.met("paused", "flushing is paused: PostgreSQL can't be reached")  # a line
    >>> conditions.met("paused", "flushing is paused: PostgreSQL can't be reached")  # counted
    >>> conditions.over("paused", "flushing goes on")  # a line
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._met: dict[str, _Met] = {}
        self._lock = threading.Lock()

    def met(self, name: str, sentence: str, count: int = 1) -> None:
        """The condition holds; `count` things are affected this time."""
        with self._lock:
            now, met = self._clock(), self._met.get(name)
            if met is None:
                self._met[name] = _Met(now, now, sentence, count)
                self._log.warning("%s", sentence)
                return
            met.sentence = sentence
            met.total += count
            met.unlogged += count
            self._log_again(met, now)

    def over(self, name: str, sentence: str) -> None:
        """The condition has ended. Nothing is logged if it did not hold."""
        with self._lock:
            met = self._met.pop(name, None)
            if met is not None:
                lasted = self._clock() - met.began
                self._log.info("%s, after %.1f s (%d times)", sentence, lasted, met.total)

    def look(self) -> None:
        """Log what is due, and forget what was not met for a while. Call it now and then."""
        with self._lock:
            now = self._clock()
            for name, met in list(self._met.items()):
                if met.unlogged:
                    self._log_again(met, now)
                elif now - met.logged_at >= _EVERY_S:
                    del self._met[name]

    def _log_again(self, met: _Met, now: float) -> None:
        if now - met.logged_at >= _EVERY_S:
            self._log.warning(
                "%s (%d times in the last %.0f s)", met.sentence, met.unlogged, now - met.logged_at
            )
            met.logged_at, met.unlogged = now, 0
