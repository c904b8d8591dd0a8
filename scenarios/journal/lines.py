"""The lines of a journal: one JSON object each, with its `type` and the version `v` of that shape.

The order is: `environment` first, then as things happen `event`, `write`, `poll` and `sample` lines; when
everything is flushed `final_read`, the `stored` values, `waiting` and `memory_loss` lines; the verdict's
event; and last `end`. A journal without `end` was cut off.

Times are s since the run began, by labctl's monotonic clock. `sum` chains each line to all before it, so that
a line which was changed, added or taken away shows.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from scenarios.judge.final_read import Part
from scenarios.judge.ledger import Answer, Operation

#: Version of the lines' shape; it rises when a field changes its meaning or goes away.
VERSION: Final = 1

Value: TypeAlias = dict[str, Any]

#: s since the run began. A line that names a moment more than ten years away is not read: reckoning with it
#: could go beyond what a number holds.
Moment: TypeAlias = Annotated[float, msgspec.Meta(ge=-3.2e8, le=3.2e8)]


class Line(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, tag_field="type"):
    """What all lines have. The writer adds `v`, `n` and `sum`."""

    #: When it was noted.
    at: Moment = 0.0
    #: `VERSION`.
    v: int = 0
    #: The number of the line in its file, from 0.
    n: int = 0
    #: See `scenarios.journal.chain`.
    sum: str = ""


class Environment(Line, kw_only=True, frozen=True, omit_defaults=True, tag="environment"):
    """What was run, on what."""

    #: The run's name: "20260131T180000Z-data-loss".
    run: str
    #: What a person types after `labctl`: "demo data-loss --crash kill".
    command: str
    #: The scenario's name: "data-loss".
    scenario: str
    #: The lab's name, and its runtime: "local" or "docker".
    lab: str
    runtime: str
    #: Wall clock at the moment `at`, ISO 8601, UTC.
    started_at: str
    #: How far the clock of Redis was ahead of this machine's when the run began, ms; None: not known.
    redis_clock_ahead_ms: float | None = None
    #: The options that were chosen, by name.
    options: dict[str, Any] = {}
    #: The live settings as the run began, by name in lower case: {"write_policy": "write_behind", …}.
    settings: dict[str, Any] = {}
    #: labctl, Python, and the main packages, by name.
    versions: dict[str, str] = {}
    #: By service: what runs there ("redis:8-alpine@sha256:…", "Valkey 9.0.1").
    services: dict[str, str] = {}
    #: Of the machine: system, release, processor, cpus, memory_mb, engine.
    machine: dict[str, Any] = {}
    #: The process that writes the journal, and when it started, as `stack.local.process` tells it.
    pid: int = 0
    process_started: str = ""


class EventLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="event"):
    """An event of `scenarios.events`, by its class; the verdict's event is a `verdict` line."""

    name: str
    event: dict[str, Any]


class WriteLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="write"):
    """One write of the ledger. `sent` is rounded down and `finished` up to the µs."""

    product: str | None = None
    operation: Operation
    value: Value | None = None
    answer: Answer
    version: int | None = None
    sent: Moment
    finished: Moment
    #: When the schedule wanted it sent, if that was earlier than `sent`.
    due: Moment | None = None
    group: str = ""
    detail: str = ""
    #: The id of its trace, 32 hexadecimal digits; empty if it was not traced.
    trace: str = ""

    @property
    def begun(self) -> float:
        """Where its latency begins: when it was due, so that a wait before the sending counts, or when it was
        sent."""
        return self.sent if self.due is None else min(self.due, self.sent)


class PollLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="poll"):
    """A poll of PostgreSQL for rows that were not seen yet."""

    #: Polls are numbered from 0.
    number: int
    sent: Moment
    #: What it showed for the first time: product, version, and the first poll that asked for it.
    rows: list[tuple[str, int, int]] = []


class SampleLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="sample"):
    """What waits in Redis, and the service's running totals since the run began."""

    queue: int
    inflight: int
    retrying: int
    dead_letters: int
    accepted: int
    coalesced: int
    persisted: int


class StoredLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="stored"):
    """A product as PostgreSQL or Redis held it."""

    #: Where it was in the final read; "survivor": in Redis just after the memory loss of the number `loss`,
    #: from 0.
    part: Part | Literal["survivor"]
    product: str
    version: int
    value: Value | None = None
    loss: int | None = None


class FinalReadLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="final_read"):
    """What the final read begins with."""

    #: Versions up to this one are older than the run.
    since: int
    #: The parts that could not be read, with the reason.
    unread: dict[str, str] = {}
    #: By product, the version at which its row was read earlier in the run.
    seen: dict[str, int] = {}
    #: Why Redis was not watched; empty if it was.
    unwatched: str = ""


class WaitingLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="waiting"):
    """A product that was asked for to the end: the first poll that asked for its newest write."""

    product: str
    poll: int


class MemoryLossLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="memory_loss"):
    """Redis lost its memory. Epochs and the moment are µs of the clock of Redis."""

    last_seen: Moment
    gone: Moment
    changed: Moment
    old_epoch: int
    new_epoch: int | None = None
    old_moment: int = 0


class VerdictLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="verdict"):
    """The verdict as it was given, with the judged writes that need a look."""

    verdict: dict[str, Any]


class EndLine(Line, kw_only=True, frozen=True, omit_defaults=True, tag="end"):
    """The run is over, and nothing follows."""

    #: How many lines the file has, this one included, and how many of them are writes.
    lines: int
    writes: int


AnyLine: TypeAlias = (
    Environment
    | EventLine
    | WriteLine
    | PollLine
    | SampleLine
    | StoredLine
    | FinalReadLine
    | WaitingLine
    | MemoryLossLine
    | VerdictLine
    | EndLine
)
