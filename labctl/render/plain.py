"""Plain lines, one for each change, for pipes and files. Results and narration go separate ways."""

import time
from collections.abc import Callable, Sequence
from typing import TextIO, assert_never

from labctl.render.text import sentences
from labctl.render.text.figures import duration, figure, measure
from labctl.render.text.marks import Marks, marks_for
from labctl.render.text.printable import printable
from labctl.render.text.shell import prompted
from labctl.render.text.table import lay_out
from labctl.render.text.wrap import fitted, width_of
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
from scenarios.judge.verdict import Verdict
from stack.spec.events import Advanced, ServiceChanged, StackNoted

#: A running load gets a line at most this often, in s: a log, not a display.
_LOAD_EVERY = 2.0
#: Progress likewise: a download takes minutes, and must not look stuck.
_PROGRESS_EVERY = 10.0

_Narration = ScenarioStarted | StepStarted | Narrated | Advanced | LoadSampled | ServiceChanged | StackNoted


class PlainRenderer:
    """`results` gets figures, tables, checks and verdicts; `narration` all the rest.

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
        #: What is in progress, and when it was told of last.
        self._progressing = ("", 0.0)

    def on(self, event: Event) -> None:
        match event:
            case Checked() | VerdictReached() | ScenarioFinished():
                self._conclude(event)
            case Measured() | TableShown():
                self._show(event)
            case _:
                self._narrate(event)

    def close(self) -> None:
        """Nothing is held back."""
        for stream in (self._results, self._narration):
            stream.flush()

    def _conclude(self, event: Checked | VerdictReached | ScenarioFinished) -> None:
        match event:
            case Checked():
                # Quiet or not, a prediction that failed explains the verdict.
                if not (self._quiet and event.passed):
                    word = _passed(event, self._marks)
                    self._result(f"check {word}: {event.claim} ({sentences.check(event)})")
            case VerdictReached():
                self._verdict(event.verdict)
            case ScenarioFinished():
                outcome = sentences.OUTCOMES[event.outcome]
                self._result(f"{event.name}: {outcome}. {event.conclusion} ({duration(event.seconds)})")

    def _show(self, event: Measured | TableShown) -> None:
        if self._quiet:
            return
        if isinstance(event, Measured):
            self._result(f"{event.label}: {measure(event.value, event.unit)}")
            return
        if event.title:
            self._result(event.title)
        indent = "  " if event.title else ""
        width = self._width and self._width - len(indent)
        for line in lay_out(event.columns, event.rows, width):
            self._write(self._results, f"{indent}{line}")

    def _verdict(self, verdict: Verdict) -> None:
        self._result(f"verdict: {sentences.VALIDITIES[verdict.validity]}")
        self._result(f"  {sentences.equation(verdict)}")
        self._result(f"  {sentences.loss(verdict)}")
        for remark in sentences.remarks(verdict):
            self._result(f"  {remark}")

    def _narrate(
        self,
        event: ScenarioStarted
        | StepStarted
        | Narrated
        | Advanced
        | LoadSampled
        | ServiceChanged
        | StackNoted,
    ) -> None:
        if not self._quiet:
            for line in self._tell(event):
                self._write_wrapped(self._narration, line)

    def _tell(
        self,
        event: ScenarioStarted
        | StepStarted
        | Narrated
        | Advanced
        | LoadSampled
        | ServiceChanged
        | StackNoted,
    ) -> Sequence[str]:
        match event:
            case ScenarioStarted():
                self._steps = event.steps
                self._load_shown = -_LOAD_EVERY
                return [f"{event.name}: {event.title}. {event.summary}"]
            case StepStarted():
                commands = [f"  {prompt}{line}" for prompt, line in prompted(event.command)]
                # A command on its own is not part of a step.
                title = [f"step {event.number}/{self._steps}: {event.title}"] if event.title else []
                return [*title, *commands]
            case Narrated():
                return [f"  {'why it matters: ' if event.kind == 'matters' else ''}{event.text}"]
            case Advanced():
                return self._progress(event)
            case LoadSampled():
                return self._load(event)
            case ServiceChanged():
                return self._service(event)
            case StackNoted():
                return [event.text]
            case _:
                assert_never(event)

    def _progress(self, event: Advanced) -> Sequence[str]:
        """A line when it is done, and now and then before."""
        label, since = self._progressing
        now = self._clock()
        if event.label != label:
            self._progressing = (event.label, now)
        if event.done < event.total and (event.label != label or now - since < _PROGRESS_EVERY):
            return []
        self._progressing = (event.label, now)
        return [f"  {event.label}: {figure(event.done)} of {figure(event.total)}"]

    def _load(self, event: LoadSampled) -> Sequence[str]:
        if event.elapsed - self._load_shown < _LOAD_EVERY:
            return []
        self._load_shown = event.elapsed
        return [
            f"  {event.elapsed:.0f} s {event.phase}: {figure(event.requests_per_second)} requests/s, "
            f"p50 {figure(event.p50_ms)} p95 {figure(event.p95_ms)} p99 {figure(event.p99_ms)} ms, "
            f"{figure(event.errors)} errors, queue {figure(event.queue_size)}, "
            f"coalesced {figure(event.coalesced)}, {figure(event.flush_rate)} rows/s flushed"
        ]

    def _service(self, event: ServiceChanged) -> Sequence[str]:
        line = f"{event.service}: {event.state}{f' ({event.detail})' if event.detail else ''}"
        if self._states.get(event.service) == line:
            return []
        self._states[event.service] = line
        return [line]

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


def _passed(check: Checked, marks: Marks) -> str:
    if check.passed is None:
        return f"{marks.unsure} UNKNOWN"
    return f"{marks.good} passed" if check.passed else f"{marks.bad} FAILED"
