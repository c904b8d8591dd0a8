"""All that the reports of a run show, whatever their format."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from labctl.reports.measurements import Measurements
from labctl.reports.story import Story
from labctl.runs.record import RunRecord
from scenarios.events import Distributed, FaultInjected, VerdictReached
from scenarios.journal.judgement import judge_journal
from scenarios.journal.lines import AnyLine, EventLine, MemoryLossLine, SampleLine, VerdictLine, WriteLine
from scenarios.journal.reader import Journal, State, decode_event
from scenarios.judge.checks.fates import Judged
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag
from scenarios.judge.verdict import Verdict

#: Beyond this number, lost writes are counted and not listed: a page of all of them would take too long to
#: open. The journal has every one.
MOST_LISTED: Final = 20_000
#: Progress is reported after so many writes: every second or so.
_PROGRESS_EVERY: Final = 20_000


@dataclass(frozen=True, slots=True)
class LostWrite:
    product: str
    label: str
    version: int
    group: str
    #: When it was acknowledged, s since the run began.
    acknowledged_at: float
    #: The number of the crash that cost it, from 1; 0: none.
    crash: int
    overwritten_later: bool


@dataclass(slots=True)
class RunReport:
    """One run as its journal tells it."""

    journal: Journal
    story: Story = field(default_factory=Story)
    record: RunRecord = field(default_factory=RunRecord)
    measurements: Measurements = field(default_factory=Measurements)
    faults: list[FaultInjected] = field(default_factory=list)
    distributions: list[Distributed] = field(default_factory=list)
    #: The first `MOST_LISTED` of them.
    lost: list[LostWrite] = field(default_factory=list)
    #: As it was given at the end of the run; None: it was not.
    verdict: Verdict | None = None
    #: As the history is judged now.
    judged_now: Verdict | None = None
    #: The last moment that the journal tells of, s since the run began.
    until: float = 0.0

    @property
    def state(self) -> State:
        return self.journal.state

    @property
    def whole(self) -> bool:
        """Whether the run came to its end, and its journal is as it was written."""
        return self.state == "complete" and not self.journal.damage

    @property
    def document(self) -> dict[str, Any]:
        """The run's document."""
        return {
            **self.record.document,
            "run": self.journal.run,
            "state": self.state,
            "damage": list(self.journal.damage),
            "environment": _environment(self.journal),
        }

    def warnings(self) -> Iterator[str]:
        """What a reader has to know before anything else: why this is not the whole run as it was."""
        if self.journal.damage:
            yield (
                f"The journal is damaged: {'; '.join(self.journal.damage)}. "
                "Only what comes before that place is shown."
            )
        if self.state == "cut off":
            yield "The run was cut off: labctl ended before it did. How it would have ended is not known."
        elif self.state == "running":
            yield "The run still goes on. This is what was written down so far."
        if self.verdict is not None and self.judged_now is not None and self.whole:
            then, now = self.verdict, self.judged_now
            if (then.validity, dict(then.fates)) != (now.validity, dict(now.fates)):
                yield (
                    "Judged again today, this history leads to another verdict than the one that it "
                    "records, which is shown here."
                )

    @property
    def shown_verdict(self) -> Verdict | None:
        """The verdict that was given; for a run without its end, what can be said of its writes."""
        return self.verdict if self.verdict is not None or self.whole else self.judged_now


def read_report(journal: Journal, on_progress: Callable[[int, int], None] | None = None) -> RunReport:
    """Read a journal and judge its history.

    Args:
        on_progress: Takes now and then, in a long history, how many writes are judged, and of how many.

    Raises:
        StateUnusable: it can't be read.
    """
    report = RunReport(journal)
    for line in journal.lines():
        _take(report, line)
    if report.measurements.writes:
        report.judged_now = judge_journal(journal, _Listener(report, on_progress))
    report.lost.sort(key=lambda write: write.acknowledged_at)
    return report


def _take(report: RunReport, line: AnyLine) -> None:
    report.until = max(report.until, line.at)
    match line:
        case WriteLine():
            report.measurements.write(line)
        case SampleLine():
            report.measurements.sample(line)
        case MemoryLossLine():
            report.story.mark(line.gone, line.changed, "Redis lost its memory")
        case VerdictLine():
            _conclude(report, line)
        case EventLine():
            _event(report, line)
        case _:
            pass


def _conclude(report: RunReport, line: VerdictLine) -> None:
    try:
        report.verdict = msgspec.convert(line.verdict, Verdict)
    except msgspec.ValidationError:
        return
    report.record.on(VerdictReached(report.verdict))


def _event(report: RunReport, line: EventLine) -> None:
    event = decode_event(line)
    if event is None:
        # Of a later labctl.
        return
    report.story.take(line.at, event)
    report.record.on(event)
    match event:
        case FaultInjected():
            report.faults.append(event)
        case Distributed():
            report.distributions.append(event)
        case _:
            pass


class _Listener:
    """Takes each acknowledged write as it is judged."""

    def __init__(self, report: RunReport, on_progress: Callable[[int, int], None] | None) -> None:
        self._report = report
        self._on_progress = on_progress
        self._judged = 0
        acknowledged = report.measurements.latency.get("acknowledged")
        self._total = acknowledged.whole.count if acknowledged else 0

    def __call__(self, write: Write, judged: Judged, lag: Lag | None) -> None:
        self._judged += 1
        if self._on_progress is not None and self._judged % _PROGRESS_EVERY == 0:
            self._on_progress(self._judged, self._total)
        if lag is not None:
            self._report.measurements.persist_lag.add(write.finished_at, lag.ms)
        if judged.fate == "lost" and len(self._report.lost) < MOST_LISTED:
            self._report.lost.append(_lost(write, judged))


def _lost(write: Write, judged: Judged) -> LostWrite:
    return LostWrite(
        judged.product,
        judged.label,
        judged.version,
        judged.group,
        write.finished_at,
        judged.crash,
        judged.overwritten_later,
    )


def _environment(journal: Journal) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(journal.environment)
    return {name: value for name, value in document.items() if name not in ("type", "at", "v", "n", "sum")}
