"""What was seen in a run, by step, as text.

It may come from anybody's journal: every line is one line, and printable.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from labctl.render.plain import PlainRenderer
from labctl.render.text.printable import printable
from scenarios.events import (
    Event,
    LoadSampled,
    Narrated,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
)
from stack.spec.events import Advanced

#: What is on its way somewhere: only where it arrives is worth a line.
_PASSING: Final = (Advanced, LoadSampled, ScenarioStarted, ScenarioFinished)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the narration; one line."""

    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Figures, tables, checks and verdicts, as a terminal shows them."""

    lines: tuple[str, ...]


Note = Said | Shown


@dataclass(frozen=True, slots=True)
class SeenStep:
    """A step as it happened."""

    title: str
    #: The command that was shown; may span lines.
    command: str
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class Seen:
    """A run as it happened, as far as it got."""

    started: ScenarioStarted | None = None
    steps: list[SeenStep] = field(default_factory=list)
    finished: ScenarioFinished | None = None


def gather(events: Iterable[Event]) -> Seen:
    """What was seen in a run."""
    seen = Seen()
    for event in events:
        match event:
            case ScenarioStarted():
                seen.started = event
            case ScenarioFinished():
                seen.finished = event
            case StepStarted():
                command = "\n".join(map(printable, event.command.splitlines()))
                seen.steps.append(SeenStep(printable(event.title), command))
            case _ if seen.steps and not isinstance(event, _PASSING):
                _note(seen.steps[-1].notes, event)
    return seen


def _note(notes: list[Note], event: Event) -> None:
    if isinstance(event, Narrated):
        notes.append(Said(printable(event.text)))
        return
    lines = _rendered(event)
    if lines and notes and isinstance(notes[-1], Shown):
        notes[-1] = Shown((*notes[-1].lines, *lines))
    elif lines:
        notes.append(Shown(lines))


def _rendered(event: Event) -> tuple[str, ...]:
    text = io.StringIO()
    PlainRenderer(text, text).on(event)
    return tuple(text.getvalue().splitlines())
