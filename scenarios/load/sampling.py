"""The figures of a running load, a few times a second."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from scenarios.events import LoadSampled
from scenarios.lab.probe import Probe
from scenarios.load.counters import Counters
from scenarios.load.latencies import Latencies
from scenarios.load.schedule import Shape
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


@dataclass(frozen=True, slots=True)
class _Moment:
    elapsed: float
    requests: int
    rows: int


class Figures(Protocol):
    """The figures of a load generator while it runs."""

    @property
    def counters(self) -> Counters: ...

    @property
    def latencies(self) -> Latencies: ...


class Sampler:
    """Reads the generator's figures and the service's."""

    def __init__(self, probe: Probe, generator: Figures, shape: Shape, *, planned: float) -> None:
        """
        Args:
            planned: The length of the load, s; 0 if it ends after a number of requests.
        """
        self._probe = probe
        self._generator = generator
        self._shape = shape
        self._planned = planned
        self._queue_size = 0
        self._moments: deque[_Moment] = deque([_Moment(0.0, 0, 0)])
        self.increases: Final = Increases(probe.totals())

    def look(self) -> None:
        """Read what the service counted. If Redis does not answer, the last figures stay."""
        try:
            self._queue_size = self._probe.depth().queue
            self.increases.look(self._probe.totals())
        except NotRunning:
            return

    def sample(self) -> LoadSampled:
        self.look()
        counters, latencies = self._generator.counters, self._generator.latencies.percentiles()
        now = _Moment(counters.elapsed, counters.requests, self.increases.of("rows_written"))
        self._moments.append(now)
        while len(self._moments) > 2 and now.elapsed - self._moments[1].elapsed >= _RATE_SPAN_S:
            self._moments.popleft()
        first = self._moments[0]
        seconds = now.elapsed - first.elapsed
        return LoadSampled(
            elapsed=round(now.elapsed, 3),
            duration=self._planned,
            phase=self._shape.phase(now.elapsed),
            requests=now.requests,
            requests_per_second=_per_second(now.requests - first.requests, seconds),
            errors=counters.errors,
            p50_ms=latencies.p50,
            p95_ms=latencies.p95,
            p99_ms=latencies.p99,
            queue_size=self._queue_size,
            coalesced=self.increases.of("coalesced"),
            flush_rate=_per_second(now.rows - first.rows, seconds),
        )


def _per_second(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds > 0 else 0.0
