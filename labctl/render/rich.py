"""The terminal of a presenter: one idea on each line, space between them, and a live part at the bottom."""

from typing import Final, assert_never

from rich.console import Console

from labctl.render.live_region import LiveRegion
from labctl.render.text import sentences
from labctl.render.text.figures import duration, figure, unit_of
from labctl.render.text.table import lay_out
from labctl.render.text.wrap import wrap
from labctl.render.transcript import INDENT, Transcript
from labctl.render.verdict_text import write_verdict
from scenarios.events import (
    Checked,
    Event,
    LoadSampled,
    Measured,
    Narrated,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    TableShown,
    VerdictReached,
)
from stack.spec.events import Advanced, ServiceChanged, StackNoted

_OUTCOME_STYLES: Final = {"expected": "bold green", "unexpected": "bold red", "inconclusive": "bold yellow"}


class RichRenderer:
    """A transcript that scrolls, and below it whatever is going on right now."""

    def __init__(self, console: Console) -> None:
        self._transcript = Transcript(console)
        self._marks = self._transcript.marks
        self._live = LiveRegion(console, self._marks)
        self._steps = 0

    def on(self, event: Event) -> None:
        match event:
            case ScenarioStarted() | StepStarted() | VerdictReached() | ScenarioFinished():
                self._live.clear()
                self._open(event)
            case Narrated() | Measured() | TableShown() | Checked() | StackNoted():
                self._transcript.turn_to(type(event).__name__)
                self._tell(event)
            case ServiceChanged() | Advanced() | LoadSampled():
                self._move(event)
            case _:
                assert_never(event)

    def close(self) -> None:
        """End the live part: the cursor comes back."""
        self._live.clear()

    # What opens a new part of the transcript.

    def _open(self, event: ScenarioStarted | StepStarted | VerdictReached | ScenarioFinished) -> None:
        match event:
            case ScenarioStarted():
                self._steps = event.steps
                self._transcript.heading(event.title)
                self._transcript.paragraph(event.summary)
            case StepStarted():
                self._step(event)
            case VerdictReached():
                write_verdict(self._transcript, event.verdict)
            case ScenarioFinished():
                self._finish(event)
            case _:
                assert_never(event)

    def _step(self, event: StepStarted) -> None:
        self._transcript.air()
        # A command on its own is not part of a step.
        if event.title:
            of = f" of {self._steps}" if self._steps else ""
            self._transcript.hang(f"{event.number}{of} {self._marks.dot} ", "bold cyan", event.title, "bold")
            self._transcript.air()
        if event.command:
            self._transcript.commands(event.command)
            self._transcript.air()

    def _finish(self, event: ScenarioFinished) -> None:
        marks = self._marks
        signs = {"expected": marks.good, "unexpected": marks.bad, "inconclusive": marks.unsure}
        word = f"{signs[event.outcome]} {sentences.OUTCOMES[event.outcome]}"
        self._transcript.rule()
        line = f"{word}  ({event.name}, {duration(event.seconds)})"
        self._transcript.write((line, _OUTCOME_STYLES[event.outcome]))
        self._transcript.paragraph(event.conclusion, indent="", style="bold")

    # What is told on the way.

    def _tell(self, event: Narrated | Measured | TableShown | Checked | StackNoted) -> None:
        match event:
            case Narrated():
                matters = event.kind == "matters"
                bullet, style = (f"{self._marks.arrow} ", "yellow") if matters else ("", "")
                self._transcript.paragraph(event.text, bullet=bullet, style=style)
            case Measured():
                value, unit = figure(event.value), unit_of(event.value, event.unit)
                self._transcript.write(f"{INDENT}{event.label:<34} ", (f"{value:>10}", "bold"), f" {unit}")
            case TableShown():
                self._table(event)
            case Checked():
                self._check(event)
            case StackNoted():
                self._transcript.paragraph(event.text)
            case _:
                assert_never(event)

    def _check(self, event: Checked) -> None:
        mark, word, style = self._marks.good, "passed", "bold green"
        if event.passed is None:
            mark, word, style = self._marks.unsure, "UNKNOWN", "bold yellow"
        elif not event.passed:
            mark, word, style = self._marks.bad, "FAILED", "bold red"
        lead = f"{INDENT}{mark} {word}  "
        self._transcript.hang(lead, style, event.claim)
        for line in wrap(sentences.check(event), self._transcript.width - len(lead)):
            self._transcript.write(" " * len(lead) + line)

    def _table(self, event: TableShown) -> None:
        if event.title:
            self._transcript.write((f"{INDENT}{event.title}", "bold"))
        heading, *rows = lay_out(event.columns, event.rows, self._transcript.width - len(INDENT))
        self._transcript.write(INDENT, (heading, "underline"))
        for row in rows:
            self._transcript.write(f"{INDENT}{row}")

    # What moves.

    def _move(self, event: ServiceChanged | Advanced | LoadSampled) -> None:
        match event:
            case ServiceChanged():
                self._service(event)
            case Advanced():
                self._live.advance(event)
            case LoadSampled():
                self._live.sample(event)
            case _:
                assert_never(event)

    def _service(self, event: ServiceChanged) -> None:
        if event.state in sentences.PASSING:
            self._live.service_moves(event)
            return
        self._live.service_settled(event.service)
        mark, style = self._marks.dot, "bold"
        if event.state == "healthy":
            mark, style = self._marks.good, "bold green"
        elif event.state in sentences.BROKEN:
            mark, style = self._marks.bad, "bold red"
        self._transcript.turn_to("service")
        state = f"{event.state:<11}{event.detail}".rstrip()
        self._transcript.write((f"{INDENT}{mark} {event.service:<11}", style), state)
