"""The narration of a run, step by step, with the times at which everything happened."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal

from labctl.render.text import sentences
from labctl.render.text.figures import measure
from scenarios.events import Event, FaultInjected, LoadSampled, Measured, Narrated, StepStarted
from stack.spec.events import ServiceChanged, ServiceState, StackNoted

Kind = Literal["happened", "matters", "note", "figure", "fault"]
BandKind = Literal["step", "phase", "fault"]
_DOWN: Final[frozenset[ServiceState]] = frozenset({"stopped", "died", "paused", "unhealthy"})


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the narration."""

    kind: Kind
    text: str


@dataclass(slots=True)
class Step:
    #: 0: what happened before the first step.
    number: int
    title: str
    #: What a person could have typed; empty if there is nothing.
    command: str
    #: s since the run began.
    at: float
    lines: list[Told] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the time axis that has a name."""

    kind: BandKind
    start: float
    #: The same as `start` for what happened at a moment.
    end: float
    label: str
    #: Of the step; 0: it is not one.
    number: int = 0


class Story:
    """Gathers the events that are told."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._bands: list[Band] = []
        self._phase: tuple[str, float] | None = None
        #: By service: since when it is down, and how.
        self._down: dict[str, tuple[float, str]] = {}

    def take(self, at: float, event: Event) -> None:
        """Take in an event; those that are not told are left out.

        Args:
            at: s since the run began.
        """
        match event:
            case StepStarted():
                self._leave(at)
                self.steps.append(Step(event.number, event.title, event.command, at))
            case Narrated():
                self.tell(event.kind, event.text)
            case Measured():
                self.tell("figure", f"{event.label}: {measure(event.value, event.unit)}")
            case ServiceChanged() if event.state not in sentences.PASSING:
                self.tell("note", sentences.service(event))
                self._service(at, event)
            case StackNoted(text):
                self.tell("note", text)
            case FaultInjected():
                self.mark(event.at, event.at, event.fault)
                self.tell("fault", event.fault)
            case LoadSampled():
                self._enter(at, event.phase)
            case _:
                pass

    def tell(self, kind: Kind, text: str) -> None:
        """Add a line to the current step."""
        if not self.steps:
            self.steps.append(Step(0, "", "", 0.0))
        self.steps[-1].lines.append(Told(kind, text))

    def mark(self, start: float, end: float, label: str) -> None:
        """Name a part of the time axis on which something was broken."""
        self._bands.append(Band("fault", start, end, label))

    def bands(self, until: float) -> list[Band]:
        """Steps, phases of the load, and what was broken, in the order of time.

        Args:
            until: When the run ended, or was last heard of, s since it began.
        """
        starts = [step for step in self.steps if step.number]
        times = pairwise([*(step.at for step in starts), until])
        steps = [
            Band("step", start, end, f"{step.number} {step.title}", step.number)
            for step, (start, end) in zip(starts, times, strict=True)
        ]
        phases = [Band("phase", self._phase[1], until, self._phase[0])] if self._phase else []
        down = [Band("fault", since, until, what) for since, what in self._down.values()]
        return sorted([*steps, *self._bands, *phases, *down], key=lambda band: (band.start, band.end))

    def _enter(self, at: float, phase: str) -> None:
        if self._phase is None or self._phase[0] != phase:
            self._leave(at)
            self._phase = (phase, at)

    def _leave(self, at: float) -> None:
        if self._phase is not None:
            self._bands.append(Band("phase", self._phase[1], at, self._phase[0]))
            self._phase = None

    def _service(self, at: float, event: ServiceChanged) -> None:
        if event.state in _DOWN:
            self._down.setdefault(event.service, (at, f"{event.service} {event.state}"))
        elif event.service in self._down:
            since, what = self._down.pop(event.service)
            self.mark(since, at, what)
