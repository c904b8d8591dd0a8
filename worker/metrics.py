"""What a worker tells Prometheus, on a port of its own.

The values live in this process, and begin at zero with it. The API's totals go on: each worker says with its
heartbeat what it has done, and the API adds that up.
"""

import threading
import time
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily

from service.telemetry.families import Families
from service.telemetry.requests import without_creation_times
from service.writebehind.scripts.flushing import Claim, Claimed
from service.writebehind.workers import State
from worker.condition import Report
from worker.recent_lags import RecentLags
from worker.spread import Spread

Operation = Literal["persisted", "retried", "dead_lettered", "released"]
#: What hinders a worker: PostgreSQL can't be reached, does not answer, or refuses everything; someone's lock;
#: Redis is full or away; RQ can't work, or was told to suspend.
Trouble = Literal["outage", "silent", "refused", "locked", "redis_full", "redis_away", "rq", "suspended"]
_STATES: Final = get_args(State)
_TROUBLES: Final = get_args(Trouble)
#: The classes of the codes in a worker's report. Every other code is an SQLSTATE.
_CLASSES: Final[Mapping[str, Trouble]] = {
    "unavailable": "outage",
    "silent": "silent",
    "55P03": "locked",
    "full": "redis_full",
    "away": "redis_away",
    "rq": "rq",
    "suspended": "suspended",
}

#: The totals that operations move.
_TOTALS: Final = {"retried": "retried", "dead_lettered": "given_up"}
_BATCHES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0)
#: Upper bounds in s, for what takes Redis or PostgreSQL milliseconds, or seconds if they are in trouble.
_SHORT: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Upper bounds in s: from no window at all to an outage of minutes.
_LAGS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.6, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0,
)  # fmt: skip


def trouble_of(report: Report, note: str) -> Trouble | None:
    """The class of what is wrong with a worker.

    Args:
        note: The code of a problem that does not stop it, '' for none.
    """
    code = report.code or note
    return _CLASSES.get(code, "refused") if code else None


class WorkerMetrics:
    """What one worker counts and measures."""

    def __init__(
        self, report: Callable[[], Report], note: Callable[[], str], trace: Callable[[], str] = str
    ) -> None:
        """
        Args:
            report: What the worker says of itself.
            note: The code of a problem that does not stop it, '' for none.
            trace: The id of the trace that this thread is in, '' for none.
        """
        self._trace = trace
        without_creation_times()
        self.registry = CollectorRegistry()
        #: Whether the worker fails rows on purpose.
        self.simulates_failures = False
        #: The lags of the last two seconds.
        self.recent_lags = RecentLags()
        self._report = report
        self._note = note
        self._done: Counts[str] = Counts()
        self._lock = threading.Lock()
        #: What to add to this machine's monotonic time to get the lab's, in µs.
        self._lab_us = 0
        operations = Counter(
            "write_behind_worker_operations",
            "Entries by what became of them",
            ("operation",),
            registry=self.registry,
        )
        self._operations = {each: operations.labels(each) for each in get_args(Operation)}
        self._batch_size = self._histogram("batch_size", "Entries in one claim", _BATCHES)
        self._claim = self._histogram("claim_duration_seconds", "Claiming a batch in Redis", _SHORT)
        self._sql = self._histogram("sql_duration_seconds", "One statement that writes entries", _SHORT)
        self._ack = self._histogram("ack_duration_seconds", "Acknowledging a batch in Redis", _SHORT)
        self._flush = self._histogram(
            "flush_duration_seconds",
            "One claimed batch, until it is decided what becomes of each row",
            _SHORT,
        )
        self._persist_lag = Spread(
            "write_behind_persist_lag_seconds",
            "From the acknowledgement of a write to its commit in PostgreSQL",
            _LAGS,
        )
        self.registry.register(self._persist_lag)
        self.registry.register(Families(self._states))

    def claimed(self, claim: Claim, seconds: float) -> None:
        """Redis was asked for a claim, which took so long."""
        self._claim.observe(seconds)
        if claim.rows:
            self._batch_size.observe(len(claim.rows))
            self._lab_us = claim.token - int(1e6 * time.monotonic())

    def wrote(self, seconds: float) -> None:
        """PostgreSQL was asked to write entries, which took so long."""
        self._sql.observe(seconds, self._exemplar())

    def committed(self, claim: Claim, rows: Sequence[Claimed]) -> None:
        """As a `FlushObserver`."""
        # Times in µs of lab time: a version is the moment at which its write was acknowledged.
        now = self._lab_us + int(1e6 * time.monotonic())
        lags = [(now - row.version) / 1e6 for row in rows]
        if min(lags, default=0) < 0:
            # A version that had to be later than the one before it may be ahead of the clock.
            lags = [max(0.0, lag) for lag in lags]
        self._persist_lag.add(lags, self._trace())
        self.recent_lags.add(lags)

    def flushed(self, claim: Claim, seconds: float) -> None:
        """As a `FlushObserver`."""
        self._flush.observe(seconds, self._exemplar())

    def acknowledged(self, retired: int, rows_written: int, seconds: float) -> None:
        """Redis was told that a batch is written, which took so long. It retired so many versions."""
        self._ack.observe(seconds, self._exemplar())
        self._operations["persisted"].inc(retired)
        self._add_done(persisted=retired, rows_written=rows_written, batches=1)

    def count(self, operation: Literal["retried", "dead_lettered", "released"], number: int) -> None:
        """That became of so many entries."""
        self._operations[operation].inc(number)
        if operation != "released":
            self._add_done(**{_TOTALS[operation]: number})

    def _exemplar(self) -> dict[str, str] | None:
        trace_id = self._trace()
        return {"trace_id": trace_id} if trace_id else None

    def _add_done(self, **totals: int) -> None:
        with self._lock:
            self._done.update(totals)

    def done(self) -> dict[str, int]:
        """What this worker has done since it started, by the names of the totals."""
        with self._lock:
            return dict(self._done)

    def _histogram(self, name: str, description: str, bounds: Iterable[float]) -> Histogram:
        return Histogram(f"write_behind_{name}", description, buckets=tuple(bounds), registry=self.registry)

    def _states(self) -> Iterator[Metric]:
        report = self._report()
        trouble = trouble_of(report, self._note())
        yield _one_of(
            "worker_state",
            "What the worker does: 1 for that, 0 for the others",
            "state",
            _STATES,
            report.state,
        )
        yield _one_of(
            "worker_trouble",
            "What hinders the worker: 1 for that, 0 for the others",
            "class",
            _TROUBLES,
            trouble,
        )
        yield GaugeMetricFamily(
            "write_behind_failure_simulation",
            "Whether the worker fails rows on purpose: 0 or 1",
            int(self.simulates_failures),
        )


def _one_of(name: str, description: str, label: str, choices: Iterable[str], chosen: str | None) -> Metric:
    family = GaugeMetricFamily(f"write_behind_{name}", description, labels=(label,))
    for each in choices:
        family.add_metric((each,), int(each == chosen))
    return family
