"""Marks: what a run does, short enough to be drawn on the time axis of a chart."""

import time
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from scenarios.events import (
    Event,
    FaultInjected,
    Outcome,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    VerdictReached,
)
from scenarios.judge.verdict import Verdict

#: What is longer is cut: the receivers' own limits.
_LABEL: Final = 200
_DETAIL: Final = 2_000


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a run did."""

    #: The run's name, as its journal has it; the same in all its marks.
    run: str
    scenario: str
    #: `run` begins one, `end` ends it.
    kind: Literal["run", "step", "fault", "end"]
    #: Unix time, s.
    at: float
    #: What a chart shows.
    label: str
    detail: str = ""
    #: Of a step, from 1.
    number: int | None = None
    #: Of the run, with its end.
    outcome: Outcome | Literal["interrupted"] | None = None
    #: Of the run, with its end, if it has a verdict: how many writes are of each class.
    figures: Mapping[str, int] | None = None


class Marker:
    """Makes marks from one run's events."""

    def __init__(self, run: str, scenario: str, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            run: The run's name, as its journal has it.
            scenario: What it runs.
            clock: Unix time, s.
        """
        self._run = run
        self._scenario = scenario
        self._clock = clock
        self._figures: Mapping[str, int] | None = None
        #: Whether the run began and did not end.
        self.is_open = False

    def mark(self, event: Event, ago: float = 0.0) -> Mark | None:
        """The mark of an event; None if it has none.

        Args:
            ago: How long ago a fault took effect, s.
        """
        match event:
            case ScenarioStarted():
                self.is_open = True
                return self._mark("run", event.title, event.summary)
            case StepStarted():
                return self._mark("step", event.title, event.command, number=event.number)
            case FaultInjected():
                return self._mark("fault", event.fault, event.why, at=self._clock() - ago)
            case VerdictReached():
                self._figures = figures(event.verdict)
                return None
            case ScenarioFinished():
                self.is_open = False
                return self._mark(
                    "end", event.outcome, event.conclusion, outcome=event.outcome, figures=self._figures
                )
            case _:
                return None

    def interrupted(self) -> Mark:
        """The mark of a run that ended before its time."""
        self.is_open = False
        return self._mark("end", "interrupted", outcome="interrupted", figures=self._figures)

    def _mark(
        self,
        kind: Literal["run", "step", "fault", "end"],
        label: str,
        detail: str = "",
        *,
        at: float | None = None,
        number: int | None = None,
        outcome: Outcome | Literal["interrupted"] | None = None,
        figures: Mapping[str, int] | None = None,
    ) -> Mark:
        return Mark(
            run=self._run,
            scenario=self._scenario,
            kind=kind,
            at=self._clock() if at is None else at,
            label=_cut(label, _LABEL),
            detail=_cut(detail, _DETAIL),
            number=number,
            outcome=outcome,
            figures=figures,
        )


def figures(verdict: Verdict) -> dict[str, int]:
    """What a verdict says in numbers: {"acknowledged": 15, "lost": 5, "dead_lettered": 0, ...}."""
    fates = {fate.replace("-", "_"): count for fate, count in verdict.fates.items()}
    return {
        "acknowledged": verdict.acknowledged,
        "refused": verdict.refused,
        "unknown": verdict.unknown,
        **fates,
        "lost_products": len(verdict.lost_products),
    }


def _cut(text: str, length: int) -> str:
    # Output of other programs that is not UTF-8 was decoded with `surrogateescape`.
    text = text.encode(errors="replace").decode()
    return text if len(text) <= length else text[: length - 1] + "…"
