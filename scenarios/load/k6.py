"""k6 as the load generator. Its scripts print a line for every answer, so that each write is in the ledger
as if labctl had sent it."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from scenarios.judge.ledger import Answer, Operation, Write, answer_without_product
from scenarios.load.counters import Counters
from scenarios.load.latencies import Latencies
from stack.errors import Inconclusive
from stack.spec.load_test import LoadTest

_NOT_FOUND: Final = 404
#: s; the clock that k6's scripts have counts milliseconds.
_RESOLUTION: Final = 0.001


class Answered(msgspec.Struct, tag_field="labctl", tag="answer", frozen=True):
    """One request and what came back; see assets/k6/lab.js, which writes it."""

    #: create, read or update.
    operation: str
    product: str | None
    value: dict[str, Any] | None
    #: 0: none came.
    status: int
    #: None where the answer holds no product.
    version: int | None
    #: The version that a read must at least show; 0 where nothing is known.
    at_least: int
    #: Unix time in s, in whole ms: before the request, and after its answer.
    sent_at: float
    finished_at: float
    latency_ms: float
    detail: str


class Threshold(msgspec.Struct, frozen=True):
    """A limit of the script, and how it was kept."""

    metric: str
    #: `p(95)<500`
    limit: str
    measured: float | None
    kept: bool


class Summary(msgspec.Struct, tag_field="labctl", tag="summary", frozen=True):
    """The end of a run."""

    #: How many answers the scripts told of.
    answers: int
    thresholds: tuple[Threshold, ...]


_decoder: Final = msgspec.json.Decoder(Answered | Summary)
#: What every line of ours begins with; the others are k6's own messages.
_OURS: Final = '{"labctl":'


class _WallClock:
    """Turns k6's wall clock times into times of labctl's monotonic clock. An interval is widened by what the
    wall clock resolves and by every step that it was seen to make: it may be too long, never too short."""

    def __init__(self) -> None:
        offset = time.monotonic() - time.time()
        self._least, self._most = offset, offset

    def look(self) -> None:
        """Take in a step that the wall clock may have made."""
        offset = time.monotonic() - time.time()
        self._least, self._most = min(self._least, offset), max(self._most, offset)

    def interval(self, sent_at: float, finished_at: float) -> tuple[float, float]:
        """The beginning and the end of a request, s."""
        self.look()
        return sent_at + self._least - _RESOLUTION, finished_at + self._most + _RESOLUTION


class K6Load:
    """Puts a lab under the load of one k6 run. Implements `Load` (see drive.py)."""

    def __init__(self, test: LoadTest, record: Callable[[Write], None]) -> None:
        self.latencies: Final = Latencies()
        #: Of the summary; empty until the run has come to its end.
        self.thresholds: tuple[Threshold, ...] = ()
        self._test = test
        self._record = record
        self._counters = Counters()
        #: perf_counter() of the first request, None before it.
        self._begun: float | None = None
        self._running = self._stopped = False
        #: Whether the load itself goes on; k6 sums up after it.
        self._loading = True
        #: Of the summary.
        self._answers = 0
        self._clock = _WallClock()

    @property
    def counters(self) -> Counters:
        """`busy` and `late` say nothing here: they are k6's own affair."""
        # Time passes also while no answer comes.
        if self._running and self._loading and self._begun is not None:
            self._counters.elapsed = time.perf_counter() - self._begun
        return self._counters

    def run(self) -> None:
        """
        Raises:
            LabError: k6 can't be run to its end.
            Inconclusive: some of its answers never arrived here, so that the ledger is not complete.
        """
        self._running = True
        try:
            for line in self._test.lines():
                # One that was cut off is missing in the count.
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

    def _take(self, told: Answered | Summary) -> None:
        if isinstance(told, Summary):
            self._loading = False
            self.thresholds, self._answers = told.thresholds, told.answers
            return
        if self._begun is None:
            self._begun = time.perf_counter() - told.latency_ms / 1000
        self._count(told)
        if told.operation != "read":
            self._record(_write(told, *self._clock.interval(told.sent_at, told.finished_at)))

    def _count(self, told: Answered) -> None:
        """Timed are the requests that succeeded and those that found no answer: quick errors would flatter
        the percentiles."""
        self._counters.requests += 1
        if told.version is None:
            self._counters.errors += 1
        if told.version is not None or told.status == 0:
            self.latencies.record(told.latency_ms / 1000)
        shows = told.version is not None or told.status == _NOT_FOUND
        if told.operation == "read" and shows and (told.version or 0) < told.at_least:
            self._counters.stale_reads += 1


_OPERATIONS: Final[Mapping[str, Operation]] = {"create": "create", "update": "update"}


def _write(told: Answered, sent_at: float, finished_at: float) -> Write:
    answer: Answer = "acknowledged"
    if told.version is None:
        answer = answer_without_product(told.status) if told.status else "unknown"
    return Write(
        product=told.product,
        operation=_OPERATIONS[told.operation],
        value=told.value,
        answer=answer,
        version=told.version,
        sent_at=sent_at,
        finished_at=finished_at,
        latency_ms=told.latency_ms,
        detail=f"{told.status}: {told.detail}" if told.version is None else "",
    )
