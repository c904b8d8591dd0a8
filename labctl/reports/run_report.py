"""All that the reports of a run show, whatever their format."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from labctl.reports.measurements import Measurements
from labctl.reports.story import Story
from labctl.runs.facts import facts
from labctl.runs.record import RunRecord
from scenarios.events import VerdictReached
from scenarios.experiment.recheck import ExperimentRecheck, recheck_experiment
from scenarios.journal.judgement import judge_journal
from scenarios.journal.lines import AnyLine, EventLine, MemoryLossLine, SampleLine, WriteLine
from scenarios.journal.reader import Journal, State, decode_event
from scenarios.judge.checks.fates import Judged
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag
from scenarios.judge.verdict import Verdict
from scenarios.recheck.contradictions import WITHOUT_VERDICT
from scenarios.recheck.recheck import Recheck, Rechecking

#: Beyond this number, lost writes are counted and not listed: a page of all of them would take too long to
#: open. The journal has every one.
MOST_LISTED: Final = 20_000
#: By whether the run is complete.
DISBELIEVED: Final = {
    True: "The recorded outcome is not believed.",
    False: "The run is not complete, so it has no outcome.",
}
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
class _Gathered:
    """What one pass through a journal's lines gathers."""

    story: Story = field(default_factory=Story)
    record: RunRecord = field(default_factory=RunRecord)
    measurements: Measurements = field(default_factory=Measurements)
    #: At most `MOST_LISTED` of them.
    lost: list[LostWrite] = field(default_factory=list)
    #: The last moment that the journal tells of, s since the run began.
    until: float = 0.0

    def take(self, line: AnyLine) -> None:
        self.until = max(self.until, line.at)
        match line:
            case WriteLine():
                self.measurements.write(line)
            case SampleLine():
                self.measurements.sample(line)
            case MemoryLossLine():
                self.story.mark(line.gone, line.changed, "Redis lost its memory")
            # Others are of a later labctl.
            case EventLine() if (event := decode_event(line)) is not None:
                self.story.take(line.at, event)
                self.record.on(event)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run as its journal tells it."""

    journal: Journal
    story: Story
    record: RunRecord
    measurements: Measurements
    #: At most `MOST_LISTED` of them, by when they were acknowledged.
    lost: Sequence[LostWrite]
    #: The last moment that the journal tells of, s since the run began.
    until: float
    #: The history judged anew, and whether it can be believed.
    recheck: Recheck
    #: The same of an experiment's trials; None: it is not an experiment.
    trials: ExperimentRecheck | None

    @property
    def state(self) -> State:
        return self.journal.state

    @property
    def whole(self) -> bool:
        """Whether the run came to its end, and its journal can be believed."""
        if self.state != "complete" or self.recheck.result == "different":
            return False
        return self.trials is None or self.trials.is_confirmed

    @property
    def lacks_verdict(self) -> bool:
        """Whether it came to its end and should hold a verdict, but does not."""
        return any(text.endswith(WITHOUT_VERDICT) for text in self.recheck.contradictions)

    @property
    def document(self) -> dict[str, Any]:
        """The run's document. One that is not whole has no outcome."""
        end = {} if self.whole else {"outcome": None, "conclusion": ""}
        return {
            **self.record.document,
            **end,
            "run": self.journal.run,
            "state": self.state,
            "damage": list(self.recheck.contradictions),
            "differences": list(self.recheck.differences),
            "environment": facts(self.journal.environment),
        }

    def warnings(self) -> Iterator[str]:
        """What a reader has to know before anything else: why this is not the whole run as it was."""
        if self.journal.damage:
            yield (
                f"The journal is damaged: {'; '.join(self.journal.damage)}. "
                "Only what comes before that place is shown."
            )
        elif self.lacks_verdict:
            yield "The journal holds no verdict, so its outcome is not believed."
        if self.state == "cut off":
            yield "The run was cut off: labctl ended before it did. How it would have ended is unknown."
        elif self.state == "running":
            yield "The run still goes on. This is what was written down so far."
        if not self.journal.damage:
            yield from self._doubts(self.recheck)

    def _doubts(self, recheck: Recheck) -> Iterator[str]:
        others = [text for text in recheck.contradictions if not text.endswith(WITHOUT_VERDICT)]
        if others:
            yield (
                f"The journal contradicts itself: {'; '.join(others)}. "
                f"{DISBELIEVED[self.state == 'complete']}"
            )
        elif recheck.differences:
            yield (
                f"Judged again today, the run is not what it records: {'; '.join(recheck.differences)}. "
                "Today's verdict is shown here."
            )
        elif self.trials is not None and not self.trials.is_confirmed:
            yield f"The trials can't be confirmed: {self.trials.conclusion} {DISBELIEVED[True]}"

    @property
    def shown_verdict(self) -> Verdict | None:
        """The verdict that was given; for a run that is not whole, what can be said of its writes."""
        if self.whole:
            return self.recheck.given
        return self.recheck.verdict if self.measurements.writes else None


def read_report(
    journal: Journal,
    on_progress: Callable[[int, int], None] | None = None,
    trials: Mapping[str, Path] | None = None,
) -> RunReport:
    """Read a journal and judge its history.

    Args:
        on_progress: Takes now and then, in a long history, how many writes are judged, and of how many.
        trials: The journals of an experiment's trials, by name: they are judged, too. None: another run.

    Raises:
        StateUnusable: it can't be read.
    """
    gathered, rechecking = _Gathered(), Rechecking(journal)
    for line in journal.lines():
        rechecking.take(line)
        gathered.take(line)
    verdict = judge_journal(journal, _Listener(gathered, rechecking, on_progress))
    report = RunReport(
        journal,
        gathered.story,
        gathered.record,
        gathered.measurements,
        lost=sorted(gathered.lost, key=lambda write: write.acknowledged_at),
        until=gathered.until,
        recheck=rechecking.conclude(verdict),
        trials=None if trials is None else recheck_experiment(journal, trials),
    )
    if report.shown_verdict is not None:
        report.record.on(VerdictReached(report.shown_verdict))
    return report


class _Listener:
    """Takes each acknowledged write as it is judged."""

    def __init__(
        self, gathered: _Gathered, rechecking: Rechecking, on_progress: Callable[[int, int], None] | None
    ) -> None:
        self._gathered = gathered
        self._rechecking = rechecking
        self._on_progress = on_progress
        self._judged = 0
        acknowledged = gathered.measurements.latency.get("acknowledged")
        self._total = acknowledged.whole.count if acknowledged else 0

    def __call__(self, write: Write, judged: Judged, lag: Lag | None) -> None:
        self._judged += 1
        self._rechecking.take_judged(judged)
        if self._on_progress is not None and self._judged % _PROGRESS_EVERY == 0:
            self._on_progress(self._judged, self._total)
        if lag is not None:
            self._gathered.measurements.persist_lag.add(write.finished_at, lag.ms)
        if judged.fate == "lost" and len(self._gathered.lost) < MOST_LISTED:
            self._gathered.lost.append(_lost(write, judged))


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
