"""Watches a lab while a scenario runs: whether Redis keeps its memory, and when rows arrive in PostgreSQL.

There are two threads, so that a frozen PostgreSQL can't hide a crash of Redis. Both cost little: a GET twenty
times a second, and a query for the rows not seen yet, which is asked less often the more it costs.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from scenarios.judge.history import Poll
from scenarios.judge.ledger import Ledger
from scenarios.lab.probe import Probe
from scenarios.load.sampling import Increases
from scenarios.settle import Depth
from scenarios.watch.redis_memory import MemoryWatch
from scenarios.watch.row_reader import RowReader
from scenarios.watch.row_tracker import RowTracker
from stack.errors import NotRunning

_MEMORY_INTERVAL_S: Final = 0.05
#: Four samples a second.
_LOOKS_PER_SAMPLE: Final = 5
#: The time between two polls of PostgreSQL lies between these two. Within them it is chosen so that labctl
#: spends no more than this share of one processor on polling.
_ROWS_MIN_INTERVAL_S: Final = 0.1
_ROWS_MAX_INTERVAL_S: Final = 2.0
_ROWS_CPU_SHARE: Final = 0.02
#: How long Redis may take to answer a look, and a last poll of PostgreSQL before it is cut off.
_TIMEOUT_S: Final = 1.0


class Watcher:
    """Watches one run: `start` it, then ask for its `history`, and `close` it."""

    def __init__(
        self,
        redis_url: str,
        database_url: str,
        ledger: Ledger,
        *,
        note_poll: Callable[[Poll], None] | None = None,
        note_sample: Callable[[Depth, Increases], None] | None = None,
    ) -> None:
        """
        Args:
            note_poll: Takes every poll of PostgreSQL; None: they are kept in memory.
            note_sample: Takes, a few times a second, what waits in Redis and what the service counted.
        """
        self.memory: Final = MemoryWatch()
        self._probe = Probe(redis_url, database_url, timeout_s=_TIMEOUT_S)
        self.rows: Final = RowTracker(ledger, note_poll)
        self._note_sample = note_sample
        self._increases: Increases | None = None
        #: Totals must be taken in the order in which they were read.
        self._sampling = threading.Lock()
        self._reader = RowReader(database_url)
        self._stop = threading.Event()
        #: Set: the rows must be polled now.
        self._nudge = threading.Event()
        self._unwatched = "it was not watched whether Redis kept its memory"
        #: Whether the entries that a new memory was found with have yet to be read.
        self._survivors_due = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Watch from now on."""
        self._unwatched = ""
        # The memory that is there now is the one that the run begins with.
        self.look_at_memory()
        self.sample()
        self._threads = [
            threading.Thread(target=self._guarded, args=(loop,), name=name, daemon=True)
            for name, loop in (("watch-memory", self._watch_memory), ("watch-rows", self._watch_rows))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def unwatched(self) -> str:
        """Why Redis was not watched, so that it may have lost its memory unseen; empty if it was."""
        return self._unwatched

    def end(self) -> None:
        """Take a last look, and watch no longer."""
        self._end()

    def close(self) -> None:
        """Stop watching, if it still does."""
        self._end()
        self._reader.close()
        self._probe.close()

    def look_at_memory(self) -> None:
        """One look at Redis."""
        began_at = time.monotonic()
        try:
            clock = self._probe.clock()
        except NotRunning as error:
            if self.memory.silent(time.monotonic(), dead=_refused(error)):
                self._nudge.set()
            return
        if self.memory.found(began_at, time.monotonic(), clock):
            self._survivors_due = True
            self._nudge.set()
        if self._survivors_due:
            self._read_survivors()

    def look_at_rows(self) -> None:
        """One poll of PostgreSQL, if a row has not been seen yet."""
        versions = self.rows.ask()
        if not versions:
            return
        sent_at = time.monotonic()
        try:
            newer = self._reader.newer(versions)
        except NotRunning:
            return
        self.rows.take(sent_at, time.monotonic(), newer)

    def _read_survivors(self) -> None:
        try:
            survivors = self._probe.survivors()
        except NotRunning:
            return
        self.memory.losses[-1] = replace(self.memory.losses[-1], survivors=survivors)
        self._survivors_due = False

    def _watch_memory(self) -> None:
        looks = 0
        while not self._stop.wait(_MEMORY_INTERVAL_S):
            self.look_at_memory()
            looks += 1
            if looks % _LOOKS_PER_SAMPLE == 0:
                self.sample()
        self.look_at_memory()
        self.sample()

    def sample(self) -> None:
        """Note what waits in Redis now, if samples are taken and Redis answers. Any thread may ask."""
        if self._note_sample is None:
            return
        with self._sampling:
            try:
                depth, totals = self._probe.depth(), self._probe.totals()
            except NotRunning:
                return
            if self._increases is None:
                self._increases = Increases(totals)
            self._increases.look(totals)
            self._note_sample(depth, self._increases)

    def _watch_rows(self) -> None:
        over = False
        while not over:
            # One last poll after the call to stop, to see what is there by then.
            over = self._stop.is_set()
            self._nudge.clear()
            began_at, cpu = time.monotonic(), time.thread_time()
            self.look_at_rows()
            # On a busy machine, a cheap poll may take long. Never poll for more than half of the time.
            took, cost = time.monotonic() - began_at, time.thread_time() - cpu
            if not over:
                self._nudge.wait(
                    min(_ROWS_MAX_INTERVAL_S, max(_ROWS_MIN_INTERVAL_S, took, cost / _ROWS_CPU_SHARE))
                )

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except Exception as error:  # noqa: BLE001 - reported with the verdict; the measurement goes on
            self._unwatched = f"watching the lab failed ({type(error).__name__}: {error})"

    def _end(self) -> None:
        self._stop.set()
        self._nudge.set()
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(2 * _TIMEOUT_S)
        if any(thread.is_alive() for thread in threads):
            self._reader.cut()
            for thread in threads:
                thread.join(10 * _TIMEOUT_S)


def _refused(error: BaseException) -> bool:
    """Whether nothing listens on the port any more."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ConnectionRefusedError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
