"""The load generator: one thread, a selector, keep-alive connections.

It shares the machine with everything it measures: each microsecond that it takes is lost to the service.
One POST with its answer, decoded and entered into the ledger, takes 20 µs of CPU time here; without a ledger,
it takes 110 to 190 µs in http.client and 470 to 540 µs in httpx.
"""

import errno
import gc
import select
import selectors
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, cast

from scenarios.judge.ledger import Write
from scenarios.lab.tracing import Tracer
from scenarios.load.connection import Connection, ConnectionLost, Exchange
from scenarios.load.counters import Counters
from scenarios.load.latencies import Latencies
from scenarios.load.outcomes import Outcomes
from scenarios.load.phases import Phases
from scenarios.load.profiles import Profile
from scenarios.load.sampled_traces import SampledTraces
from scenarios.load.schedule import Pace
from stack.errors import NotRunning
from stack.spec.hints import labctl

#: The outcome of a request that takes longer is unknown.
TIMEOUT_S: Final = 10.0
#: How often to look for timeouts, broken connections and a call to stop.
_TICK_S: Final = 0.05
#: A request that is later than this counts as late.
_LATE_AFTER_S: Final = 0.005
#: How long a thread may run Python before another gets its turn. With the default, 5 ms, drawing the display
#: would add that much to latencies.
_SWITCH_INTERVAL_S: Final = 0.0005


class LoadGenerator:
    """Puts one service under load. `run` takes one thread; `stop` and the figures may be used from any."""

    def __init__(
        self,
        address: tuple[str, int],
        profile: Profile,
        pace: Pace,
        record: Callable[[Write], None],
        *,
        connections: int,
        timeout_s: float = TIMEOUT_S,
        tracer: Tracer | None = None,
    ) -> None:
        """
        Args:
            tracer: Starts the traces of some of the writes; None: none is traced.
        """
        self.counters: Final = Counters()
        self.latencies: Final = Latencies()
        #: Whoever breaks a service says so here.
        self.phases: Final = Phases(pace.shape)
        self._address = address
        self._profile = profile
        self._pace = pace
        self._timeout_s = timeout_s
        self._connections = [Connection(address, client) for client in range(connections)]
        self._traces = SampledTraces(tracer)
        self._outcomes = Outcomes(profile, self.counters, self.latencies, self.phases, record, self._traces)
        self._free: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._broken: deque[Connection] = deque()
        self._selector = selectors.DefaultSelector()
        self._stopping = self._ending = False

    def stop(self) -> None:
        """Make `run` return at once. The outcome of requests under way is unknown."""
        self._stopping = True

    def end_early(self) -> None:
        """Send nothing more, and make `run` return as soon as the requests under way are answered."""
        self._ending = True

    def run(self) -> None:
        """Send until the pace is over.

        Raises:
            NotRunning: the service can't be reached when the load begins.
        """
        try:
            self._connect_all()
            with _undisturbed():
                self._loop()
        finally:
            for connection in self._connections:
                connection.close()
            self._selector.close()

    def _connect_all(self) -> None:
        for connection in self._connections:
            try:
                connection.open()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    # This process may not open so many files: that is not the fault of the API.
                    raise
                host, port = self._address
                raise NotRunning(
                    f"the API at {host}:{port} does not take connections: {error}",
                    hint=f"{labctl('status')} says what runs; {labctl('up')} repairs it",
                ) from error
            self._selector.register(connection, selectors.EVENT_READ)
            self._free.append(connection)

    def _loop(self) -> None:
        begin, look_again, now = time.monotonic(), 0.0, 0.0
        self._outcomes.begin(begin)
        while not self._stopping:
            if not self._ending:
                self._send_due(now)
            if (self._ending or self._pace.over(now)) and not self._busy:
                break
            before = time.monotonic()
            ready = self._wait(min(_TICK_S, self._pace.wait(now)) if self._free else _TICK_S)
            after = time.monotonic()
            self.counters.idle += after - before
            now = self.counters.elapsed = after - begin
            for key, _ in ready:
                self._answer(cast("Connection", key.fileobj), now)
            now = time.monotonic() - begin
            if now >= look_again:
                look_again = now + _TICK_S
                self._look(now)
        self.counters.elapsed = time.monotonic() - begin
        for connection in list(self._busy):
            self._lose(connection, self.counters.elapsed, "the load was stopped")
        self._outcomes.never_sent(self._pace, self.counters.elapsed)

    def _wait(self, seconds: float) -> list[tuple[selectors.SelectorKey, int]]:
        # A timed wait of epoll ends on a whole millisecond, which is too late for a schedule. select is
        # exact, and has to watch only the descriptor of epoll itself.
        if seconds < _TICK_S:
            select.select([self._selector.fileno()], (), (), seconds)
            seconds = 0
        return self._selector.select(seconds)

    def _send_due(self, now: float) -> None:
        while self._free:
            due = self._pace.take(now, len(self._busy))
            if due is None:
                return
            connection = self._free.popleft()
            if now - max(due, connection.free_since) > _LATE_AFTER_S:
                self.counters.late += 1
            self._busy.add(connection)
            try:
                call, trace = self._traces.begin(self._profile.next(connection.client))
                connection.send(Exchange(call, due, now, trace))
            except ConnectionLost as error:
                self._lose(connection, now, str(error))

    def _answer(self, connection: Connection, now: float) -> None:
        exchange = connection.exchange
        try:
            reply = connection.receive()
        except ConnectionLost as error:
            self._lose(connection, now, str(error))
            return
        if reply is None:
            return
        if exchange is None:
            # An answer without a request.
            self._lose(connection, now, "")
            return
        self._outcomes.answered(connection.client, exchange, reply, now)
        self._release(connection, now)
        if reply.reusable:
            self._free.append(connection)
        else:
            self._drop(connection)

    def _lose(self, connection: Connection, now: float, why: str) -> None:
        """The connection is lost, and with it the answer to the request under way."""
        exchange = connection.exchange
        if exchange is not None:
            self._outcomes.unanswered(exchange, why, now)
            self._release(connection, now)
        elif connection in self._free:
            self._free.remove(connection)
        self._drop(connection)

    def _release(self, connection: Connection, now: float) -> None:
        self._busy.discard(connection)
        connection.exchange, connection.free_since = None, now

    def _drop(self, connection: Connection) -> None:
        self._selector.unregister(connection)
        connection.close()
        self._broken.append(connection)

    def _look(self, now: float) -> None:
        """End requests that take too long, and reopen broken connections."""
        self.counters.backlog = self._pace.backlog(now)
        for connection in list(self._busy):
            if connection.exchange is not None and now - connection.exchange.sent > self._timeout_s:
                self._lose(connection, now, f"no answer within {self._timeout_s:g} s")
        while self._broken and not self._pace.over(now):
            try:
                self._broken[0].open()
            except OSError:
                # The others would fail, too, and no request is served during an attempt.
                self.counters.errors += 1
                self.counters.failed_connects += 1
                return
            connection = self._broken.popleft()
            connection.free_since = now
            self._selector.register(connection, selectors.EVENT_READ)
            self._free.append(connection)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Give this thread its turn quickly, and spare it collections of garbage that go through everything.

    What is there as the load begins stays, so no collection needs to look at it: that would stop everything
    for tens of ms. What is made meanwhile is looked at, or its garbage would pile up; it is little.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()
