"""What a scenario reports. Scenarios yield these and never print; renderers show them.

The order within a run: `ScenarioStarted`, then per step `StepStarted` and whatever the step reports,
then `VerdictReached` where there is one, and last `ScenarioFinished`.
"""

from dataclasses import dataclass
from typing import Literal

from scenarios.judge.verdict import Verdict
from stack.spec.events import Advanced, ServiceChanged, StackNoted

#: expected: the measurement was as predicted (exit code 0). unexpected: it was not (1).
#: inconclusive: it could not be made (3).
Outcome = Literal["expected", "unexpected", "inconclusive"]


@dataclass(frozen=True, slots=True)
class ScenarioStarted:
    name: str
    title: str
    #: One or two sentences: what will be shown.
    summary: str
    steps: int


@dataclass(frozen=True, slots=True)
class StepStarted:
    #: From 1; 0 for a command that is shown outside a scenario.
    number: int
    title: str
    #: The command that a person could have typed; may span lines. Empty if there is none.
    command: str = ""


@dataclass(frozen=True, slots=True)
class Narrated:
    """A sentence for the audience: what just happened, or why it matters."""

    text: str
    kind: Literal["happened", "matters"] = "happened"


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured figure."""

    #: The figure's name in JSON, which stays the same: "coalesced".
    key: str
    #: What people read: "coalesced writes".
    label: str
    value: int | float | str | bool
    #: "ms", "writes", "writes/s"; may be empty.
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSampled:
    """The state of a running load, a few times a second. Percentiles are of all writes or reads so far."""

    #: s since the load began.
    elapsed: float
    #: The planned length, s; 0 for a load that ends after a number of writes.
    duration: float
    phase: str
    requests: int
    #: Over the last second.
    requests_per_second: float
    errors: int
    #: Of writes.
    p50_ms: float
    p95_ms: float
    p99_ms: float
    queue_size: int
    coalesced: int
    #: Rows that the worker persisted, a second, over the last second: flushes come in bursts.
    flush_rate: float
    #: Over the last second.
    writes_per_second: float = 0.0
    reads_per_second: float = 0.0
    #: Of reads; 0 if there are none.
    read_p50_ms: float = 0.0
    read_p95_ms: float = 0.0
    read_p99_ms: float = 0.0
    #: Requests that are due and wait for a free connection.
    backlog: int = 0


@dataclass(frozen=True, slots=True)
class Distributed:
    """How measured values are distributed."""

    #: Its name in JSON, which stays the same: "write_latency_hold".
    key: str
    #: What people read: "latency of writes, hold".
    label: str
    #: Of the bounds: "ms".
    unit: str
    #: The upper bound of each bucket, and how many values lie in it. The bounds grow by the same factor.
    buckets: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class TableShown:
    """A table. Cells are text already."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart, or some points in it."""

    label: str
    #: One for each x of the chart; None: there is none.
    values: tuple[float | None, ...]
    style: Literal["line", "points", "steps"] = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartShown:
    """A chart of an earlier run."""

    key: str
    title: str
    #: Rising.
    x: tuple[float, ...]
    x_label: str
    #: Of the values.
    unit: str
    curves: tuple[Curve, ...]
    #: Which of the scales are logarithmic.
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """A prediction and what was measured."""

    claim: str
    expected: str
    actual: str
    #: None: unknown, because what it depends on could not be read.
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that a fault took effect: the same thing before and after it."""

    #: "keys", "process"
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FaultInjected:
    """Something was broken or mended on purpose, with the receipt that proves it."""

    #: As the language of faults writes it: "redis:kill@5s".
    fault: str
    #: When it had taken effect, s since the run began.
    at: float
    proofs: tuple[Proof, ...]
    #: Whether it took effect. False, or None (it could not be seen), makes the run inconclusive.
    bit: bool | None
    #: Why it did not, or why that could not be seen; empty if it did.
    why: str = ""


@dataclass(frozen=True, slots=True)
class VerdictReached:
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ScenarioFinished:
    name: str
    outcome: Outcome
    #: One sentence for the last line.
    conclusion: str
    #: s
    seconds: float


Event = (
    ScenarioStarted
    | StepStarted
    | Narrated
    | Measured
    | Advanced
    | LoadSampled
    | Distributed
    | TableShown
    | ChartShown
    | Checked
    | FaultInjected
    | VerdictReached
    | ScenarioFinished
    | ServiceChanged
    | StackNoted
)
