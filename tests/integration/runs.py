"""Runs scenarios on a lab and looks into what they report."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from scenarios.catalogue import choose
from scenarios.events import (
    Checked,
    Event,
    Measured,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    VerdictReached,
)
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.runner import run_scenario
from stack.lab import Lab
from stack.spec.events import Advanced
from stack.wait import wait_until

E = TypeVar("E", bound=Event)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Played:
    """What one run of a scenario reported."""

    events: Sequence[Event]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def end(self) -> ScenarioFinished:
        assert isinstance(self.events[-1], ScenarioFinished)
        return self.events[-1]

    @property
    def verdict(self) -> Verdict:
        (reached,) = self.of(VerdictReached)
        return reached.verdict

    @property
    def figures(self) -> dict[str, int | float | str]:
        return {event.key: event.value for event in self.of(Measured)}

    @property
    def failed_checks(self) -> list[Checked]:
        return [check for check in self.of(Checked) if not check.passed]

    def assert_well_told(self) -> None:
        """The order of events is the one that events.py promises, and every step shows a command."""
        started = self.events[0]
        assert isinstance(started, ScenarioStarted)
        steps = self.of(StepStarted)
        assert [step.number for step in steps] == list(range(1, started.steps + 1))
        assert all(step.command for step in steps)
        assert len(self.of(ScenarioFinished)) == 1
        for label in {event.label for event in self.of(Advanced)}:
            last = [event for event in self.of(Advanced) if event.label == label][-1]
            assert last.done == last.total, "progress that never ends"


def play(lab: Lab, name: str, **options: Any) -> Played:
    """Run a scenario to its end."""
    with closing(run_scenario(lab, *choose(name, options))) as events:
        return Played(list(events))


def finish(work: Generator[Event, None, T]) -> T:
    """What the work returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def interrupt(lab: Lab, name: str, at: Callable[[Event], bool], **options: Any) -> None:
    """Run a scenario until `at` is true for an event, and close it there."""
    with closing(run_scenario(lab, *choose(name, options))) as events:
        assert any(at(event) for event in events), "the event never came"


def assert_works(lab: Lab) -> None:
    """Every service is healthy, and a write reaches PostgreSQL."""
    assert lab.running(), lab.status()
    with Run(lab) as run:
        write = run.client.create({"name": "after", "price": 1.0, "quantity": 1})
        assert write.product is not None, write.detail
        wait_until(
            lambda: run.probe.rows([str(write.product)]) != {},
            seconds=20,
            reason="a write reaches PostgreSQL",
            hint=str(run.probe.depth()),
        )
