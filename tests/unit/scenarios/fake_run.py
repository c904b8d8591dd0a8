"""A fake run, as the parts that all scenarios share see it."""

from collections.abc import Generator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from scenarios.events import Event
from scenarios.journal.judgement import OnJudged
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History, Sightings
from scenarios.judge.ledger import Ledger, Write
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.settle import Settled
from tests.unit.scenarios.in_memory import judging_in_memory


@dataclass
class FakeProbe:
    """Returns the findings that it was given."""

    found: Findings
    settled: Settled

    def settle(self, seconds: float) -> Generator[Event, None, Settled]:
        yield from ()
        return self.settled


@dataclass
class FakeClient:
    settings: dict[str, Any] = field(default_factory=dict)

    def config(self) -> dict[str, Any]:
        return self.settings


@dataclass
class FakeRun:
    lab: Any
    ledger: Ledger
    probe: FakeProbe
    client: FakeClient
    sightings: Sightings = field(default_factory=Sightings)

    def judging(self, on_judged: OnJudged | None = None) -> Generator[Event, None, Verdict]:
        history = History(writes=self.ledger.writes, sightings=self.sightings)
        return judging_in_memory(history, self.probe.found, on_judged)


def fake_run(
    *writes: Write,
    found: Findings | None = None,
    quiet: bool = True,
    culprit: str = "",
    settings: dict[str, Any] | None = None,
) -> Run:
    ledger = Ledger()
    for write in writes:
        ledger.record(write)
    run = FakeRun(
        SimpleNamespace(name="second"),
        ledger,
        FakeProbe(found or Findings(), Settled(quiet, culprit)),
        FakeClient(settings or {}),
    )
    return cast(Run, run)
