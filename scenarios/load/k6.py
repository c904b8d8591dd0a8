"""k6 as the load generator. Its scripts print a line for every answer, so each write is entered into the
ledger as if labctl had sent it."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import msgspec

from scenarios.judge.ledger import Answer, Operation, Write, answer_without_product
from scenarios.lab.trace_context import TraceContext
from scenarios.lab.tracing import Tracer
from scenarios.load.counters import Counters
from scenarios.load.latencies import Kind, Latencies
from scenarios.load.outcomes import count
from scenarios.load.phases import Phase, Phases
from scenarios.load.sampled_traces import SampledTraces
from scenarios.load.schedule import Shape
from stack.errors import Inconclusive
from stack.spec.load_test import LoadTest

#: The clock of k6's scripts counts milliseconds.
_CLOCK_RESOLUTION_S: Final = 0.001


class Answered(msgspec.Struct, tag_field="labctl", tag="answer", frozen=True):
    """One request and what came back; see assets/k6/lab.js, which writes it."""

    #: create, read or update.
    operation: str
    product: str | None
    value: dict[str, Any] | None
    #: 0: there was no answer.
    status: int
    #: None if the answer holds no product.
    version: int | None
    #: The version that a read must show at least; 0: any.
    at_least: int
    #: Unix time in s, in whole ms: before the request, and after its answer.
    sent_at: float
    finished_at: float
    latency_ms: float
    detail: str
    #: What went with the request; empty: it is not traced.
    traceparent: str = ""


class Threshold(msgspec.Struct, frozen=True):
    """A limit of the script, and whether it was kept."""

    metric: str
    #: `p(95)<500`
    limit: str
    measured: float | None
    kept: bool


class Summary(msgspec.Struct, tag_field="labctl", tag="summary", frozen=True):
    """The end of a run."""

    #: How many answers the scripts reported.
    answers: int
    thresholds: tuple[Threshold, ...]


_decoder: Final = msgspec.json.Decoder(Answered | Summary)
#: How the lines of our scripts begin. All others are k6's own messages.
_OURS: Final = '{"labctl":'


class _WallClock:
    """Converts k6's wall clock times into times of labctl's monotonic clock. An interval is widened by the
    resolution of the wall clock and by every step that the clock was seen to make: it may come out too long,
    but never too short."""

    def __init__(self) -> None:
        offset = time.monotonic() - time.time()
        self._least, self._most = offset, offset

    def look(self) -> None:
        """Notice a step that the wall clock may have made."""
        offset = time.monotonic() - time.time()
        self._least, self._most = min(self._least, offset), max(self._most, offset)

    def interval(self, sent_at: float, finished_at: float) -> tuple[float, float]:
        """The beginning and the end of a request, s."""
        self.look()
        return sent_at + self._least - _CLOCK_RESOLUTION_S, finished_at + self._most + _CLOCK_RESOLUTION_S


class K6Load:
    """Puts a lab under the load of one k6 run. Implements `Load` (see run.py)."""

    def __init__(
        self,
        test: LoadTest,
        shape: Shape,
        record: Callable[[Write], None],
        tracer: Tracer | None = None,
    ) -> None:
        self.latencies: Final = Latencies()
        #: Whoever breaks a service says so here.
        self.phases: Final = Phases(shape)
        #: Empty until the run has ended.
        self.thresholds: tuple[Threshold, ...] = ()
        self._test = test
        self._record = record
        self._traces = SampledTraces(tracer)
        self._counters = Counters()
        #: perf_counter() of the first request, None before it.
        self._begun: float | None = None
        self._running = self._stopped = False
        #: Whether requests are still being sent; k6 sums up afterwards.
        self._loading = True
        #: How many answers k6 reported at its end.
        self._answers = 0
        self._clock = _WallClock()

    @property
    def counters(self) -> Counters:
        """`busy` and `late` are not known: they are internal to k6."""
        # Time also passes while no answer comes.
        if self._running and self._loading and self._begun is not None:
            self._counters.elapsed = time.perf_counter() - self._begun
        return self._counters

    def run(self) -> None:
        """Run k6 to its end.

        Raises:
            LabError: k6 failed.
            Inconclusive: some of its answers never arrived here, so the ledger is not complete.
        """
        self._running = True
        try:
            for line in self._test.lines():
                # A line that was cut off is missing in the count, which is checked below.
                with suppress(msgspec.MsgspecError):
                    if line.startswith(_OURS):
                        self._take(_decoder.decode(line))
        finally:
            self._running = False
        if not self._stopped and self._answers != self._counters.requests:
            raise Inconclusive(
                f"k6 reported {self._answers:,} answers at its end, but {self._counters.requests:,} arrived",
                hint="the ledger is not complete; run the load again",
            )

    def stop(self) -> None:
        self._stopped = True
        if self._running:
            self._test.stop()

    def _take(self, line: Answered | Summary) -> None:
        if isinstance(line, Summary):
            self._loading = False
            self.thresholds, self._answers = line.thresholds, line.answers
            return
        now = time.perf_counter()
        if self._begun is None:
            self._begun = now - line.latency_ms / 1000
        sent, finished = now - self._begun - line.latency_ms / 1000, now - self._begun
        phase = self.phases.of(sent)
        if line.version is not None:
            self.phases.succeeded(sent, sent, finished)
        seconds, kind = line.latency_ms / 1000, _kind(line)
        count(self._counters, self.latencies, kind, phase, seconds, line.status, line.version, line.at_least)
        if line.operation != "read":
            self._enter(line, phase)

    def _enter(self, line: Answered, phase: Phase) -> None:
        trace = TraceContext.parse(line.traceparent)
        write = _write(line, phase, *self._clock.interval(line.sent_at, line.finished_at))
        if trace is not None:
            write = replace(write, trace=trace.trace_id)
            self._traces.end(trace, write, line.status)
        self._record(write)


_OPERATIONS: Final[Mapping[str, Operation]] = {"create": "create", "update": "update"}


def _kind(answered: Answered) -> Kind:
    return "read" if answered.operation == "read" else "write"


def _write(answered: Answered, phase: Phase, sent_at: float, finished_at: float) -> Write:
    answer: Answer = "acknowledged"
    if answered.version is None:
        answer = answer_without_product(answered.status) if answered.status else "unknown"
    return Write(
        product=answered.product,
        operation=_OPERATIONS[answered.operation],
        value=answered.value,
        answer=answer,
        version=answered.version,
        sent_at=sent_at,
        finished_at=finished_at,
        latency_ms=answered.latency_ms,
        group=phase,
        detail=f"{answered.status}: {answered.detail}" if answered.version is None else "",
    )
