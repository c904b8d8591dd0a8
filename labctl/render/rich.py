"""The terminal of a presenter: one idea a line, air between, and a live part at the bottom."""

import textwrap
from typing import Final, assert_never

from rich.console import Console
from rich.text import Text

from labctl.render import sentences
from labctl.render.figures import duration, figure, unit_of
from labctl.render.grid import lay_out
from labctl.render.live_region import LiveRegion
from labctl.render.marks import marks_for
from labctl.render.shell_text import split_script, wrap_command
from scenarios.events import (
    Advanced,
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
from scenarios.verdict import Verdict
from stack.events import ServiceChanged, StackNoted

_INDENT: Final = "   "
#: Wider than this, lines are hard to follow.
_WIDEST: Final = 100

_OUTCOME_STYLES: Final = {"expected": "bold green", "unexpected": "bold red", "inconclusive": "bold yellow"}
_VALIDITY_STYLES: Final = {"valid": "bold green", "unknown": "bold yellow", "invalid": "bold red"}


class RichRenderer:
    """A transcript that scrolls, and below it whatever is going on right now."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._marks = marks_for(console.encoding)
        self._live = LiveRegion(console, self._marks)
        self._steps = 0
        #: The kind of what was told last, empty after air: things of a kind stand together.
        self._told = "nothing yet"

    def on(self, event: Event) -> None:
        match event:
            case ScenarioStarted() | StepStarted() | VerdictReached() | ScenarioFinished():
                self._live.clear()
                self._open(event)
            case Narrated() | Measured() | TableShown() | Checked() | StackNoted():
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
                self._heading(event.title)
                self._paragraph(event.summary)
            case StepStarted():
                self._step(event)
            case VerdictReached():
                self._verdict(event.verdict)
            case ScenarioFinished():
                self._finish(event)
            case _:
                assert_never(event)

    def _heading(self, title: str) -> None:
        rule = self._marks.rule
        line = f"{rule * 2} {title} "
        self._line("")
        self._line(line + rule * max(0, self._width - len(line)), "bold")
        self._line("")

    def _step(self, event: StepStarted) -> None:
        self._line("")
        # A command that stands alone belongs to no step.
        if event.title:
            of = f" of {self._steps}" if self._steps else ""
            lead = f"{event.number}{of} {self._marks.dot} "
            first, *rest = textwrap.wrap(event.title, self._width - len(lead)) or [""]
            self._print(Text.assemble((lead, "bold cyan"), (first, "bold")))
            for line in rest:
                self._line(" " * len(lead) + line, "bold")
            self._line("")
        if event.command:
            self._command(event.command)
            self._line("")

    def _command(self, command: str) -> None:
        """Every line of a script gets its own prompt; the lines that one was wrapped into do not."""
        for line in split_script(command):
            first, *rest = wrap_command(line, self._width - len(_INDENT) - 2) or [""]
            self._line(f"{_INDENT}$ {first}", "cyan")
            for continued in rest:
                self._line(f"{_INDENT}  {continued}", "cyan")

    def _verdict(self, verdict: Verdict) -> None:
        self._heading("Verdict")
        self._line(f"{_INDENT}{sentences.VALIDITIES[verdict.validity]}", _VALIDITY_STYLES[verdict.validity])
        self._line("")
        self._line(f"{_INDENT}  {figure(verdict.acknowledged):>9}  acknowledged", "bold")
        for fate, word, meaning in sentences.FATES:
            count = verdict.fates.get(fate, 0)
            mark, style = self._fate_style(fate, count)
            cells = (f"{_INDENT}{mark} {figure(count):>9}  {word:<14}", f"{meaning}")
            self._print(Text.assemble((cells[0], style), cells[1] if count else ""))
        self._line("")
        for sentence in (sentences.loss(verdict), *sentences.remarks(verdict)):
            self._paragraph(sentence)
        self._line("")

    def _fate_style(self, fate: str, count: int) -> tuple[str, str]:
        if not count:
            return " ", ""
        if fate == "lost":
            return self._marks.bad, "bold red"
        if fate in ("dead_lettered", "pending"):
            return "!", "bold yellow"
        return self._marks.good, "bold green"

    def _finish(self, event: ScenarioFinished) -> None:
        signs = {
            "expected": self._marks.good,
            "unexpected": self._marks.bad,
            "inconclusive": self._marks.unsure,
        }
        word = f"{signs[event.outcome]} {sentences.OUTCOMES[event.outcome]}"
        self._line("")
        self._line(self._marks.rule * self._width, "bold")
        self._line(f"{word}  ({event.name}, {duration(event.seconds)})", _OUTCOME_STYLES[event.outcome])
        self._paragraph(event.conclusion, indent="", style="bold")

    # What is told on the way.

    def _tell(self, event: Narrated | Measured | TableShown | Checked | StackNoted) -> None:
        kind = type(event).__name__
        if self._told not in ("", kind):
            self._line("")
        self._told = kind
        match event:
            case Narrated():
                if event.kind == "matters":
                    self._paragraph(event.text, bullet=f"{self._marks.arrow} ", style="yellow")
                else:
                    self._paragraph(event.text)
            case Measured():
                label = f"{_INDENT}{event.label:<34} "
                self._print(
                    Text.assemble(
                        label, (f"{figure(event.value):>10}", "bold"), f" {unit_of(event.value, event.unit)}"
                    )
                )
            case TableShown():
                self._table(event)
            case Checked():
                self._check(event)
            case StackNoted():
                self._paragraph(event.text)
            case _:
                assert_never(event)

    def _check(self, event: Checked) -> None:
        mark, word, style = (
            (self._marks.good, "passed", "bold green")
            if event.passed
            else (self._marks.bad, "FAILED", "bold red")
        )
        lead = f"{_INDENT}{mark} {word}  "
        first, *rest = textwrap.wrap(event.claim, self._width - len(lead)) or [""]
        self._print(Text.assemble((lead, style), first))
        for line in [*rest, *textwrap.wrap(sentences.check(event), self._width - len(lead))]:
            self._line(" " * len(lead) + line)

    def _table(self, event: TableShown) -> None:
        if event.title:
            self._line(f"{_INDENT}{event.title}", "bold")
        heading, *rows = lay_out(event.columns, event.rows)
        self._line(f"{_INDENT}{heading}", "underline")
        for row in rows:
            self._line(f"{_INDENT}{row}")

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
        line = (f"{_INDENT}{mark} {event.service:<11}", style), f"{event.state:<11}{event.detail}".rstrip()
        self._print(Text.assemble(*line))
        self._told = "service"

    # Ink.

    @property
    def _width(self) -> int:
        return max(24, min(_WIDEST, self._console.width) - 1)

    def _paragraph(self, text: str, *, indent: str = _INDENT, bullet: str = "", style: str = "") -> None:
        lead = indent + bullet
        lines = textwrap.wrap(
            text,
            self._width,
            initial_indent=lead,
            subsequent_indent=" " * len(lead),
            break_on_hyphens=False,
        )
        for line in lines:
            self._line(line, style)

    def _line(self, text: str, style: str = "") -> None:
        if not text:
            # Air is never doubled.
            if not self._told:
                return
            self._told = ""
            self._console.print()
            return
        self._print(Text(text, style=style))

    def _print(self, text: Text) -> None:
        # Whatever is still too long runs on as the terminal likes: it can be copied in one piece.
        self._told = self._told or "text"
        self._console.print(text, soft_wrap=True)
