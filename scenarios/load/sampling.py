"""The figures of a running load, a few times a second."""

from collections.abc import Mapping
from typing import Final, Protocol

from scenarios.events import LoadSampled
from scenarios.lab.probe import Probe
from scenarios.load.counters import Counters
from scenarios.load.latencies import Latencies
from scenarios.load.moments import Moment
from scenarios.load.phases import Phases
from stack.errors import NotRunning

#: Rates are averages over this time. Flushes come in bursts, a window apart: over a shorter time, the rate
#: would jump between nothing and everything.
_RATE_SPAN_S: Final = 1.0


class Increases:
    """How far running totals have risen since a first look.

    They begin again from zero if Redis loses its memory. What it counted since the last look is then lost.
    """

    def __init__(self, first: Mapping[str, int]) -> None:
        self._last = dict(first)
        self._risen: dict[str, int] = {}
        #: Whether they began again, so that some counts are missing.
        self.restarted = False

    def look(self, totals: Mapping[str, int]) -> None:
        if any(totals.get(name, 0) < before for name, before in self._last.items()):
            self.restarted = True
            self._last = {}
        for name, now in totals.items():
            self._risen[name] = self.of(name) + now - self._last.get(name, 0)
        self._last = dict(totals)

    def of(self, name: str) -> int:
        return self._risen.get(name, 0)

    @property
    def rows(self) -> int:
        """Rows that were written to PostgreSQL, by the worker or before the acknowledgement."""
        return self.of("rows_written") + self.of("written_through")


class Figures(Protocol):
    """The figures of a load generator while it runs."""

    @property
    def counters(self) -> Counters: ...

    @property
    def latencies(self) -> Latencies: ...

    @property
    def phases(self) -> Phases: ...


class Sampler:
    """Reads the generator's figures and the service's."""

    def __init__(self, probe: Probe, generator: Figures, *, planned: float) -> None:
        """
        Args:
            planned: The length of the load, s; 0 if it ends after a number of requests.
        """
        self._probe = probe
        self._generator = generator
        self._planned = planned
        #: Writes in the queue, and in all that wait in Redis.
        self._queue_size = self._waiting = 0
        #: All that was sampled: about 14,400 an hour.
        self.moments: Final = [Moment(phase=generator.phases.name(0.0))]
        self.increases: Final = Increases(probe.totals())

    def look(self) -> None:
        """Read what the service counted. If Redis does not answer, the last figures stay."""
        try:
            depth = self._probe.depth()
            self._queue_size, self._waiting = depth.queue, depth.queue + depth.inflight + depth.retrying
            self.increases.look(self._probe.totals())
        except NotRunning:
            return

    def sample(self) -> LoadSampled:
        self.look()
        now = self._moment()
        first = self._second_before(now)
        self.moments.append(now)
        seconds = now.elapsed - first.elapsed
        latencies = self._generator.latencies
        writes, reads = latencies.percentiles("write"), latencies.percentiles("read")
        return LoadSampled(
            elapsed=round(now.elapsed, 3),
            duration=self._planned,
            phase=now.phase,
            requests=now.requests,
            requests_per_second=_per_second(now.requests - first.requests, seconds),
            writes_per_second=_per_second(now.writes - first.writes, seconds),
            reads_per_second=_per_second(now.reads - first.reads, seconds),
            errors=self._generator.counters.errors,
            p50_ms=writes.p50,
            p95_ms=writes.p95,
            p99_ms=writes.p99,
            read_p50_ms=reads.p50,
            read_p95_ms=reads.p95,
            read_p99_ms=reads.p99,
            backlog=now.backlog,
            queue_size=self._queue_size,
            coalesced=self.increases.of("coalesced"),
            flush_rate=_per_second(now.rows - first.rows, seconds),
        )

    def _moment(self) -> Moment:
        counters = self._generator.counters
        elapsed = counters.elapsed
        return Moment(
            elapsed=elapsed,
            phase=self._generator.phases.name(elapsed),
            writes=counters.writes,
            reads=counters.reads,
            write_errors=counters.write_errors,
            read_errors=counters.read_errors,
            rows=self.increases.rows,
            waiting=self._waiting,
            backlog=counters.backlog,
        )

    def _second_before(self, now: Moment) -> Moment:
        """The last moment that is as old as rates are long; the first one if none is."""
        old = (moment for moment in reversed(self.moments) if now.elapsed - moment.elapsed >= _RATE_SPAN_S)
        return next(old, self.moments[0])


def _per_second(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds > 0 else 0.0
