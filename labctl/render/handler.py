"""Where events are told apart: a new event is one case here, and one method of each class that handles it."""

from abc import ABC, abstractmethod
from typing import assert_never

from scenarios.events import (
    ChartShown,
    Checked,
    Distributed,
    Event,
    FaultInjected,
    LoadSampled,
    Measured,
    Narrated,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    TableShown,
    VerdictReached,
)
from scenarios.judge.verdict import Verdict
from stack.spec.events import Advanced, ServiceChanged, StackNoted


class EventHandler(ABC):
    """One method for each kind of event; `on` calls the one that an event needs."""

    def on(self, event: Event) -> None:  # noqa: C901 # one flat case for each event; mypy sees that none is missing
        """Handle one event."""
        match event:
            case ScenarioStarted():
                self.start_scenario(event)
            case StepStarted():
                self.start_step(event)
            case Narrated():
                self.narrate(event)
            case Measured():
                self.measure(event)
            case TableShown():
                self.show_table(event)
            case ChartShown():
                self.show_chart(event)
            case Checked():
                self.check(event)
            case FaultInjected():
                self.prove(event)
            case VerdictReached(verdict):
                self.conclude(verdict)
            case ScenarioFinished():
                self.finish_scenario(event)
            case LoadSampled():
                self.sample_load(event)
            case Distributed():
                self.distribute(event)
            case Advanced():
                self.advance(event)
            case ServiceChanged():
                self.change_service(event)
            case StackNoted(text):
                self.note(text)
            case _:
                assert_never(event)

    @abstractmethod
    def start_scenario(self, event: ScenarioStarted) -> None: ...

    @abstractmethod
    def start_step(self, event: StepStarted) -> None: ...

    @abstractmethod
    def narrate(self, event: Narrated) -> None: ...

    @abstractmethod
    def measure(self, event: Measured) -> None: ...

    @abstractmethod
    def show_table(self, event: TableShown) -> None: ...

    @abstractmethod
    def show_chart(self, event: ChartShown) -> None: ...

    @abstractmethod
    def check(self, event: Checked) -> None: ...

    @abstractmethod
    def prove(self, event: FaultInjected) -> None: ...

    @abstractmethod
    def conclude(self, verdict: Verdict) -> None: ...

    @abstractmethod
    def finish_scenario(self, event: ScenarioFinished) -> None: ...

    @abstractmethod
    def sample_load(self, event: LoadSampled) -> None: ...

    @abstractmethod
    def distribute(self, event: Distributed) -> None: ...

    @abstractmethod
    def advance(self, event: Advanced) -> None: ...

    @abstractmethod
    def change_service(self, event: ServiceChanged) -> None: ...

    @abstractmethod
    def note(self, text: str) -> None: ...
