"""Turns the events of a run into one JSON document."""

from typing import Any, Final

import msgspec

from labctl.render.handler import EventHandler
from labctl.render.text import sentences
from scenarios.events import (
    ChartShown,
    Checked,
    Distributed,
    FaultInjected,
    LoadSampled,
    Measured,
    Narrated,
    Outcome,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    TableShown,
)
from scenarios.judge.verdict import Verdict
from stack.spec.events import Advanced, ServiceChanged

#: Version of the document's shape; it rises when a field changes its meaning or goes away.
SCHEMA: Final = 2
#: The outcomes from best to worst; the worst run decides for several.
SEVERITY: Final[tuple[Outcome, ...]] = ("expected", "inconclusive", "unexpected")


class _Step(msgspec.Struct, kw_only=True):
    number: int
    title: str
    command: str
    notes: list[str] = []


class _Figure(msgspec.Struct, frozen=True):
    label: str
    #: None: a number that JSON lacks.
    value: int | float | str | bool | None
    unit: str


class _Table(msgspec.Struct, frozen=True):
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class _Distribution(msgspec.Struct, frozen=True):
    label: str
    unit: str
    buckets: tuple[tuple[float, int], ...]


class _Document(msgspec.Struct):
    """The fields of a run's document, in their order."""

    schema: int = SCHEMA
    scenario: str = ""
    title: str = ""
    summary: str = ""
    #: None until the run has ended.
    outcome: Outcome | None = None
    conclusion: str = ""
    seconds: float | None = None
    steps: list[_Step] = []
    measured: dict[str, _Figure] = {}
    tables: dict[str, _Table] = {}
    distributions: dict[str, _Distribution] = {}
    checks: list[Checked] = []
    faults: list[FaultInjected] = []
    samples: list[Any] = []
    verdict: dict[str, Any] | None = None


class RunRecord(EventHandler):
    """Gathers the events of one scenario's run."""

    def __init__(self) -> None:
        self._finished: ScenarioFinished | None = None
        self._run = _Document()

    @property
    def finished(self) -> ScenarioFinished:
        """How the run ended; only for a run that has ended."""
        if self._finished is None:
            raise LookupError("the run has not come to its end")
        return self._finished

    @property
    def document(self) -> dict[str, Any]:
        """What was recorded so far, as JSON holds it."""
        document: dict[str, Any] = msgspec.to_builtins(self._run)
        return document

    @property
    def faults(self) -> tuple[FaultInjected, ...]:
        """Those that were injected, with their receipts."""
        return tuple(self._run.faults)

    @property
    def distributions(self) -> tuple[Distributed, ...]:
        """The last one of each key."""
        return tuple(
            Distributed(key, one.label, one.unit, one.buckets) for key, one in self._run.distributions.items()
        )

    def start_scenario(self, event: ScenarioStarted) -> None:
        self._run.scenario, self._run.title, self._run.summary = event.name, event.title, event.summary

    def start_step(self, event: StepStarted) -> None:
        self._run.steps.append(_Step(number=event.number, title=event.title, command=event.command))

    def narrate(self, event: Narrated) -> None:
        self.note(event.text)

    def change_service(self, event: ServiceChanged) -> None:
        self.note(sentences.service(event))

    def note(self, text: str) -> None:
        # What is told before the first step (the lab coming up) belongs to none.
        if self._run.steps:
            self._run.steps[-1].notes.append(text)

    def measure(self, event: Measured) -> None:
        self._run.measured[event.key] = _Figure(event.label, event.value, event.unit)

    def show_table(self, event: TableShown) -> None:
        self._run.tables[event.key] = _Table(event.title, event.columns, event.rows)

    def distribute(self, event: Distributed) -> None:
        self._run.distributions[event.key] = _Distribution(event.label, event.unit, event.buckets)

    def show_chart(self, event: ChartShown) -> None:
        """A chart is drawn from what was recorded; it adds nothing."""

    def check(self, event: Checked) -> None:
        self._run.checks.append(event)

    def prove(self, event: FaultInjected) -> None:
        self._run.faults.append(event)

    def sample_load(self, event: LoadSampled) -> None:
        self._run.samples.append(event)

    def advance(self, event: Advanced) -> None:
        """Progress is only for the screen; the figures tell the result."""

    def conclude(self, verdict: Verdict) -> None:
        # After a long load, it lists only the writes that need a look.
        left_out = verdict.acknowledged - len(verdict.judged)
        self._run.verdict = {**verdict.to_json(), "judged_left_out": left_out}

    def finish_scenario(self, event: ScenarioFinished) -> None:
        self._finished = event
        self._run.outcome, self._run.conclusion = event.outcome, event.conclusion
        self._run.seconds = round(event.seconds, 3)
