"""A fake run, as the parts that all scenarios share see it."""

from collections.abc import Generator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from scenarios.events import Event
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History, Sightings
from scenarios.judge.ledger import Ledger, Write
from scenarios.lab.context import Run
from scenarios.settle import Settled


@dataclass
class FakeProbe:
    """Returns the findings that it was given."""

    found: Findings
    settled: Settled

    def settle(self, seconds: float) -> Generator[Event, None, Settled]:
        yield from ()
        return self.settled

    def findings(self, ledger: Ledger) -> Findings:
        return self.found


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

    def history(self) -> History:
        return History(writes=self.ledger.writes, sightings=self.sightings)


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
