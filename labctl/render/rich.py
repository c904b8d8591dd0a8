"""The terminal of a presenter: one idea on each line, space between them, and a live part at the bottom."""

from collections.abc import Mapping
from typing import Final

from rich.console import Console

from labctl.render.handler import EventHandler
from labctl.render.live_region import LiveRegion
from labctl.render.text import sentences
from labctl.render.text.figures import duration, figure, unit_of
from labctl.render.text.table import lay_out
from labctl.render.text.wrap import wrap
from labctl.render.transcript import INDENT, Transcript
from labctl.render.verdict_text import write_verdict
from scenarios.events import (
    ChartShown,
    Checked,
    Distributed,
    FaultInjected,
    LoadSampled,
    Measured,
    Narrated,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    TableShown,
)
from scenarios.judge.verdict import Verdict
from stack.spec.events import Advanced, ServiceChanged

_OUTCOME_STYLES: Final = {"expected": "bold green", "unexpected": "bold red", "inconclusive": "bold yellow"}
_CHECK_STYLES: Final[Mapping[bool | None, str]] = {
    True: "bold green",
    False: "bold red",
    None: "bold yellow",
}


class RichRenderer(EventHandler):
    """A transcript that scrolls, and below it what is going on right now."""

    def __init__(self, console: Console) -> None:
        self._transcript = Transcript(console)
        self._marks = self._transcript.marks
        self._live = LiveRegion(console, self._marks)
        self._steps = 0

    def close(self) -> None:
        """End the live part, which shows the cursor again."""
        self._live.close()

    # What opens a new part of the transcript, and ends the live part.

    def start_scenario(self, event: ScenarioStarted) -> None:
        self._live.clear()
        self._steps = event.steps
        self._transcript.heading(event.title)
        self._transcript.paragraph(event.summary)

    def start_step(self, event: StepStarted) -> None:
        self._live.clear()
        self._transcript.air()
        # A command on its own is not part of a step.
        if event.title:
            of = f" of {self._steps}" if self._steps else ""
            self._transcript.hang(f"{event.number}{of} {self._marks.dot} ", "bold cyan", event.title, "bold")
            self._transcript.air()
        if event.command:
            self._transcript.commands(event.command)
            self._transcript.air()

    def conclude(self, verdict: Verdict) -> None:
        self._live.clear()
        write_verdict(self._transcript, verdict)

    def finish_scenario(self, event: ScenarioFinished) -> None:
        self._live.clear()
        marks = self._marks
        signs = {"expected": marks.good, "unexpected": marks.bad, "inconclusive": marks.unsure}
        word = f"{signs[event.outcome]} {sentences.OUTCOMES[event.outcome]}"
        self._transcript.rule()
        line = f"{word}  ({event.name}, {duration(event.seconds)})"
        self._transcript.write((line, _OUTCOME_STYLES[event.outcome]))
        self._transcript.paragraph(event.conclusion, indent="", style="bold")

    # What is told on the way. Lines of a kind stand together.

    def narrate(self, event: Narrated) -> None:
        self._transcript.turn_to("narration")
        matters = event.kind == "matters"
        bullet, style = (f"{self._marks.arrow} ", "yellow") if matters else ("", "")
        self._transcript.paragraph(event.text, bullet=bullet, style=style)

    def note(self, text: str) -> None:
        self._transcript.turn_to("note")
        self._transcript.paragraph(text)

    def measure(self, event: Measured) -> None:
        self._transcript.turn_to("figure")
        value, unit = figure(event.value), unit_of(event.value, event.unit)
        self._transcript.write(f"{INDENT}{event.label:<34} ", (f"{value:>10}", "bold"), f" {unit}")

    def show_table(self, event: TableShown) -> None:
        self._transcript.turn_to("table")
        if event.title:
            self._transcript.write((f"{INDENT}{event.title}", "bold"))
        heading, *rows = lay_out(event.columns, event.rows, self._transcript.width - len(INDENT))
        self._transcript.write(INDENT, (heading, "underline"))
        for row in rows:
            self._transcript.write(f"{INDENT}{row}")

    def distribute(self, event: Distributed) -> None:
        """A distribution is for charts; the percentiles among the figures tell enough."""

    def show_chart(self, event: ChartShown) -> None:
        # The library takes longer to import than most commands take to run.
        from labctl.render.text.chart import draw

        self._transcript.air()
        self._transcript.write((f"{INDENT}{event.title}", "bold"))
        for line in draw(
            event, self._transcript.width - len(INDENT), self._marks, colour=self._transcript.coloured
        ):
            self._transcript.drawn(line)
        self._transcript.air()

    def check(self, event: Checked) -> None:
        self._transcript.turn_to("check")
        mark, word = self._marks.of_check(event.passed), sentences.CHECKS[event.passed]
        lead = f"{INDENT}{mark} {word}  "
        self._transcript.hang(lead, _CHECK_STYLES[event.passed], event.claim)
        for line in wrap(sentences.check(event), self._transcript.width - len(lead)):
            self._transcript.write(" " * len(lead) + line)

    def prove(self, event: FaultInjected) -> None:
        self._transcript.turn_to("check")
        lead = f"{INDENT}{self._marks.of_check(event.bit)} {event.fault}  "
        self._transcript.hang(lead, _CHECK_STYLES[event.bit], sentences.RECEIPTS[event.bit])
        for told in filter(None, (event.why, *map(sentences.proof, event.proofs))):
            for line in wrap(told, self._transcript.width - 2 * len(INDENT)):
                self._transcript.write(f"{INDENT}{INDENT}{line}")

    # What moves.

    def advance(self, event: Advanced) -> None:
        self._live.advance(event)

    def sample_load(self, event: LoadSampled) -> None:
        self._live.sample(event)

    def change_service(self, event: ServiceChanged) -> None:
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
