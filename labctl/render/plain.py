"""Plain lines, one for each change, for pipes and files. Results and narration go separate ways."""

import time
from collections.abc import Callable
from typing import TextIO

from labctl.render.handler import EventHandler
from labctl.render.text import sentences
from labctl.render.text.figures import duration, figure, measure
from labctl.render.text.marks import marks_for
from labctl.render.text.printable import printable
from labctl.render.text.shell import prompted
from labctl.render.text.table import lay_out
from labctl.render.text.wrap import fitted, width_of
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

#: A running load gets a line at most this often, in s: a log, not a display.
_LOAD_EVERY = 2.0
#: Progress likewise: a download takes minutes, and must not look stuck.
_PROGRESS_EVERY = 10.0


class PlainRenderer(EventHandler):
    """`results` gets figures, tables, checks and verdicts; `narration` gets the rest.

    With `quiet`, only the verdict, its checks and the conclusion.
    """

    def __init__(
        self,
        results: TextIO,
        narration: TextIO,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._results = results
        self._narration = narration
        self._quiet = quiet
        #: Of a terminal without a live display; None: lines stay whole.
        self._width = width_of(results)
        self._marks = marks_for(results.encoding)
        self._steps = 0
        self._load_shown = -_LOAD_EVERY
        self._states: dict[str, str] = {}
        self._clock = clock
        #: What is in progress, and when it was last reported.
        self._progressing = ("", 0.0)

    def close(self) -> None:
        """Flush both streams; no line is held back."""
        for stream in (self._results, self._narration):
            stream.flush()

    # Results.

    def measure(self, event: Measured) -> None:
        if not self._quiet:
            self._result(f"{event.label}: {measure(event.value, event.unit)}")

    def show_table(self, event: TableShown) -> None:
        if self._quiet:
            return
        if event.title:
            self._result(event.title)
        indent = "  " if event.title else ""
        width = self._width and self._width - len(indent)
        for line in lay_out(event.columns, event.rows, width):
            self._write(self._results, f"{indent}{line}")

    def distribute(self, event: Distributed) -> None:
        """A distribution is for charts; the percentiles among the figures tell enough."""

    def show_chart(self, event: ChartShown) -> None:
        """Charts are for a screen: in a pipe or a file they would only be in the way."""
        if self._quiet or self._width is None:
            return
        from labctl.render.text.chart import draw

        self._result(event.title)
        for line in draw(event, self._width, self._marks, colour=False):
            self._write(self._results, line)

    def check(self, event: Checked) -> None:
        # Quiet or not, a prediction that failed explains the verdict.
        if not (self._quiet and event.passed):
            word = f"{self._marks.of_check(event.passed)} {sentences.CHECKS[event.passed]}"
            self._result(f"check {word}: {event.claim} ({sentences.check(event)})")

    def prove(self, event: FaultInjected) -> None:
        # Quiet or not, a fault that did nothing explains the outcome.
        if not (self._quiet and event.bit):
            mark, word = self._marks.of_check(event.bit), sentences.RECEIPTS[event.bit]
            self._result(f"fault {event.fault} {mark} {word} ({sentences.receipt(event)})")

    def conclude(self, verdict: Verdict) -> None:
        self._result(f"verdict: {sentences.VALIDITIES[verdict.validity]}")
        for sentence in (sentences.equation(verdict), sentences.loss(verdict), *sentences.remarks(verdict)):
            self._result(f"  {sentence}")

    def finish_scenario(self, event: ScenarioFinished) -> None:
        outcome = sentences.OUTCOMES[event.outcome]
        self._result(f"{event.name}: {outcome}. {event.conclusion} ({duration(event.seconds)})")

    # Narration.

    def start_scenario(self, event: ScenarioStarted) -> None:
        self._steps = event.steps
        self._load_shown = -_LOAD_EVERY
        self._tell(f"{event.name}: {event.title}. {event.summary}")

    def start_step(self, event: StepStarted) -> None:
        # A command on its own is not part of a step.
        if event.title:
            self._tell(f"step {event.number}/{self._steps}: {event.title}")
        for prompt, line in prompted(event.command):
            self._tell(f"  {prompt}{line}")

    def narrate(self, event: Narrated) -> None:
        self._tell(f"  {'why it matters: ' if event.kind == 'matters' else ''}{event.text}")

    def note(self, text: str) -> None:
        self._tell(text)

    def change_service(self, event: ServiceChanged) -> None:
        line = sentences.service(event)
        if self._states.get(event.service) != line:
            self._states[event.service] = line
            self._tell(line)

    def advance(self, event: Advanced) -> None:
        """Report progress when it is done, and every few seconds before."""
        label, since = self._progressing
        now = self._clock()
        if event.label != label:
            self._progressing = (event.label, now)
        if event.done < event.total and (event.label != label or now - since < _PROGRESS_EVERY):
            return
        self._progressing = (event.label, now)
        self._tell(f"  {event.label}: {figure(event.done)} of {figure(event.total)}")

    def sample_load(self, event: LoadSampled) -> None:
        if event.elapsed - self._load_shown < _LOAD_EVERY:
            return
        self._load_shown = event.elapsed
        reads = f"reads {_latencies(event, 'read_')}, " if event.reads_per_second else ""
        waiting = f"{figure(event.backlog)} requests wait, " if event.backlog else ""
        self._tell(
            f"  {event.elapsed:.0f} s {event.phase}: {figure(event.requests_per_second)} requests/s, "
            f"writes {_latencies(event)}, {reads}{waiting}"
            f"{figure(event.errors)} errors, queue {figure(event.queue_size)}, "
            f"coalesced {figure(event.coalesced)}, {figure(event.flush_rate)} rows/s flushed"
        )

    def _tell(self, line: str) -> None:
        if not self._quiet:
            self._write_wrapped(self._narration, line)

    def _result(self, line: str) -> None:
        self._write_wrapped(self._results, line)

    def _write_wrapped(self, stream: TextIO, line: str) -> None:
        indent = " " * (len(line) - len(line.lstrip()))
        for part in fitted(line.lstrip(), self._width, lead=indent):
            self._write(stream, part)

    def _write(self, stream: TextIO, line: str) -> None:
        stream.write(f"{printable(line)}\n")
        # A reader of both streams sees them in order.
        stream.flush()


def _latencies(sample: LoadSampled, prefix: str = "") -> str:
    p50, p95, p99 = (figure(getattr(sample, f"{prefix}{name}_ms")) for name in ("p50", "p95", "p99"))
    return f"p50 {p50} p95 {p95} p99 {p99} ms"
