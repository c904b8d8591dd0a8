"""Totals that never fall, although Redis, which counts them, may lose its memory.

While Redis keeps its memory, its totals are exact. What it counted before it lost its memory is carried over:
at least what was seen of it at the last look, and at least what the processes know that they did themselves.
Both can only be too low, so the larger one holds.
"""

import fcntl
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from service.lasting import Conditions

_log: Final = logging.getLogger(__name__)

#: The workers of which it is remembered what they did.
_WORKERS_KEPT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The totals in Redis at one moment."""

    #: Monotonic times of the machine, in s: before Redis was asked, and after it answered.
    began: float
    ended: float
    #: Identifies what Redis counted them in (see `Counted`); 0 if that is not known.
    memory: int
    totals: Mapping[str, int]
    #: What each worker that is alive has done since it started, by a name that no other worker ever has.
    workers: Mapping[str, Mapping[str, int]]


class Carried(msgspec.Struct):
    """What is known of the totals, as the server processes share it."""

    #: Of the last look: when it ended, in which memory, and its totals.
    looked_at: float = 0.0
    memory: int = 0
    seen: dict[str, int] = {}
    #: What was counted in memories that Redis lost.
    before: dict[str, int] = {}
    #: What was told last.
    told: dict[str, int] = {}
    #: What each worker has done, the one seen last at the end; and what those did that are forgotten.
    workers: dict[str, dict[str, int]] = {}
    forgotten: dict[str, int] = {}

    def add(self, look: Look, known: Mapping[str, int], now: float) -> bool:
        """Take account of a look, unless another one ended after it began: then their order is unknown.

        Args:
            known: What the server processes know that they did before the look began.
            now: The machine's monotonic time, in s.

        Returns:
            Whether it was taken account of.
        """
        # A moment that has not come yet is from before the machine was started again.
        if look.began < self.looked_at <= now:
            return False
        self._note_losses(look)
        self.looked_at, self.memory, self.seen = look.ended, look.memory, dict(look.totals)
        known = self._with_workers(look, known)
        for name, count in look.totals.items():
            self.before[name] = max(self.before.get(name, 0), known.get(name, 0) - count)
            self.told[name] = max(self.told.get(name, 0), self.before[name] + count)
        return True

    def _note_losses(self, look: Look) -> None:
        """Redis lost its memory since the last look, or single totals in it."""
        # A memory that had no name yet may have got one since.
        another = self.memory not in (0, look.memory)
        for name, count in self.seen.items():
            if another or look.totals.get(name, 0) < count:
                self.before[name] = self.before.get(name, 0) + count

    def _with_workers(self, look: Look, known: Mapping[str, int]) -> Mapping[str, int]:
        for worker, counts in look.workers.items():
            self.workers.pop(worker, None)
            self.workers[worker] = dict(counts)
        while len(self.workers) > _WORKERS_KEPT:
            oldest = self.workers.pop(next(iter(self.workers)))
            self.forgotten = dict(Counter(self.forgotten) + Counter(oldest))
        done = Counter(known)
        for counts in (*self.workers.values(), self.forgotten):
            done.update(counts)
        return done


class LastingTotals:
    """The totals of one API, whichever of its processes is asked."""

    def __init__(self, directory: Path | None) -> None:
        """
        Args:
            directory: Where the processes share what they know; None if there is only this one.
        """
        self._file = None if directory is None else directory / "totals.json"
        self._lock = threading.Lock()
        self._carried = Carried()
        self._conditions = Conditions(_log)

    def told(self) -> dict[str, int]:
        """The totals as they were told last, if Redis can't be asked. It waits for no other process."""
        return dict(self._read().told)

    def age(self) -> float:
        """How long ago any process looked, in s."""
        since = time.monotonic() - self._read().looked_at
        # A moment that has not come yet is from before the machine was started again.
        return since if since >= 0 else math.inf

    def add(self, look: Look, known: Mapping[str, int]) -> bool:
        """Take account of a look, as `Carried.add` does."""
        with self._shared():
            added = self._carried.add(look, known, time.monotonic())
            if added:
                self._write()
            return added

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """Only this thread of all server processes works with what they share, which is read before."""
        with self._lock:
            if self._file is None:
                yield
                return
            try:
                lock = self._file.with_suffix(".lock").open("w")
            except OSError as error:
                self._conditions.met("totals", f"the totals can't be shared: {error}")
                yield
                return
            with lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._carried = self._read()
                yield

    def _read(self) -> Carried:
        if self._file is None:
            return self._carried
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Carried)
        except FileNotFoundError:
            return self._carried
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # What this process knows of them is better than nothing.
            self._conditions.met("totals", f"{self._file} can't be read: {error}")
            return self._carried

    def _write(self) -> None:
        if self._file is None:
            return
        written = self._file.with_suffix(".new")
        try:
            written.write_bytes(msgspec.json.encode(self._carried))
            written.replace(self._file)
        except OSError as error:
            self._conditions.met("totals", f"the totals can't be kept: {error}")
        else:
            self._conditions.over("totals", "the totals are kept again")
