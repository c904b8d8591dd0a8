"""The course of an experiment: rounds of trials in shuffled order, until they agree or all are made."""

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from scenarios.early_end import EarlyEnd
from scenarios.events import (
    Event,
    Narrated,
    Outcome,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
)
from scenarios.experiment.answer import answer
from scenarios.experiment.charts import charts
from scenarios.experiment.design import Design
from scenarios.experiment.grid import Cell, Grid, grid, shuffled
from scenarios.experiment.journal import NAME
from scenarios.experiment.summary import Summary, agree, summarise
from scenarios.experiment.table import (
    AGREED,
    cells_table,
    duration,
    loss_table,
    time_table,
    told,
    trials_table,
)
from scenarios.experiment.trial import Trial, Trials
from stack.spec.events import Advanced

#: What a trial takes beside its loads until one has been made, s: a fresh lab, and the verdict.
_AROUND_A_TRIAL_S: Final = 6.0
#: A trial that takes longer than expected may end at any moment, s.
_LEAST_LEFT_S: Final = 5.0
#: A trial that measured nothing is tried again this often.
_ATTEMPTS: Final = 2
_SUMMARY: Final = (
    "Each trial starts a lab of its own, empty, warms it up, and puts it under the same load. The cells are "
    "tried in turn, in an order that is shuffled anew each round."
)
_AGREED: Final = (
    f"{AGREED} Not tried further, because its trials agreed. Few trials may also agree by chance: where they "
    "usually differ by a tenth or more, such an interval misses the truth more often than one time in twenty."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an experiment found."""

    design: Design
    outcome: Outcome
    #: Sentences.
    answer: tuple[str, ...]
    dropped: tuple[str, ...]
    summaries: tuple[Summary, ...]
    trials: tuple[Trial, ...]
    seconds: float

    def document(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "scenario": NAME,
            "design": self.design.document(),
            "outcome": self.outcome,
            "answer": list(self.answer),
            "seconds": round(self.seconds, 3),
            "not_tried": list(self.dropped),
            "cells": [summary.document() for summary in self.summaries],
            "trials": [trial.document() for trial in self.trials],
        }


class Experiment:
    """One experiment. `play` runs it, once."""

    def __init__(
        self,
        design: Design,
        trials: Trials,
        *,
        clock: Callable[[], float] = time.monotonic,
        early_end: EarlyEnd | None = None,
    ) -> None:
        """
        Args:
            trials: Runs them.
            early_end: Asks it to end with the trials that it has; None: nothing will.
        """
        self._design = design
        self._runner = trials
        self._clock = clock
        self._early_end = early_end or EarlyEnd()
        self._grid: Grid = grid(design)
        self._made: defaultdict[Cell, list[Trial]] = defaultdict(list)
        self._all: list[Trial] = []
        self._begun_at = clock()

    def play(self) -> Generator[Event, None, Result]:
        """Make the trials, show the table, and answer. Closing it ends the trial under way.

        Raises:
            LabError: a lab can't be brought up.
        """
        self._begun_at = self._clock()
        cells = self._grid.cells
        yield ScenarioStarted(NAME, "Experiment", _SUMMARY, 3)
        yield StepStarted(
            1, f"What is compared: {told(len(cells), 'cell')}", f"labctl {self._design.command}"
        )
        yield cells_table(self._design, cells)
        for why in self._grid.dropped:
            yield Narrated(why)
        trials = told(self._design.trials, "trial")
        title = f"Up to {trials} of each cell, seed {self._design.seed}; each is like this"
        yield StepStarted(2, title, self._runner.commands(cells[0]))
        with self._early_end.heeded(shown=True):
            yield from self._rounds()
        result = self._result()
        yield StepStarted(3, "What came out", f"labctl report {NAME}")
        yield from self._show(result)
        yield ScenarioFinished(NAME, result.outcome, " ".join(result.answer), result.seconds)
        return result

    def _rounds(self) -> Generator[Event, None, None]:
        for number in range(1, self._design.trials + 1):
            if self._is_late(number):
                made = told(number - 1, "round")
                yield Narrated(f"After {made}, there is no time left for another one.")
                return
            for cell in shuffled(self._grid.cells, self._design.seed, number):
                if not agree(self._made[cell]):
                    yield from self._trial(cell, number)
                if self._early_end.requested:
                    yield Narrated("Ended early: what follows rests on the trials made so far.")
                    return

    def _trial(self, cell: Cell, number: int) -> Generator[Event, None, None]:
        """One trial, and a second attempt where the first measured nothing."""
        index = self._grid.cells.index(cell) + 1
        for attempt in range(1, _ATTEMPTS + 1):
            trial = yield from self._told(self._runner.run(cell, number, attempt, index))
            if trial is None:
                return
            self._made[cell].append(trial)
            self._all.append(trial)
            left = self._time_left()
            yield Narrated(self._line(cell, trial) + (f" About {duration(left)} left." if left else ""))
            if trial.valid:
                break
        if agree(self._made[cell]) and number < self._design.trials:
            label, made = cell.label(self._design), told(len(self._made[cell]), "trial")
            yield Narrated(f"{label}: {made} agree, so it is not tried again.")

    def _told(self, trial: Generator[Event, None, Trial]) -> Generator[Event, None, Trial | None]:
        """The trial, with the progress of the experiment instead of its own events; None if it is given up,
        because the user wants the experiment to end."""
        begun_at, before = self._clock(), self._time_left()
        done = len(self._all)
        total = done + self._trials_left()
        with closing(trial):
            try:
                while not self._early_end.requested:
                    next(trial)
                    left = max(_LEAST_LEFT_S, before - (self._clock() - begun_at))
                    yield Advanced(f"trials, about {duration(left)} left", done, total)
            except StopIteration as end:
                finished: Trial = end.value
                return finished
        return None

    def _line(self, cell: Cell, trial: Trial) -> str:
        lead = f"Trial {trial.number}, {cell.label(self._design)}"
        if not trial.valid:
            again = "it is tried again" if trial.attempt < _ATTEMPTS else "it does not count"
            return f"{lead}: inconclusive, {again}. {trial.conclusion}"
        lost, p99 = trial.figures.get("lost"), trial.figures.get("p99")
        figures = [
            f"{lost:,.0f} lost" if lost is not None else "loss unknown",
            f"p99 {p99:,.1f} ms" if p99 is not None else "p99 unknown",
        ]
        if trial.outcome == "unexpected":
            figures.append(f"NOT AS EXPECTED: {trial.conclusion}")
        return f"{lead}: {', '.join(figures)}."

    def _is_late(self, number: int) -> bool:
        """Whether a round of that number would end after the time limit. The first one always begins."""
        limit = self._design.time_limit
        if number == 1 or not limit:
            return False
        cells = sum(not agree(self._made[cell]) for cell in self._grid.cells)
        return self._clock() - self._begun_at + cells * self._trial_seconds() > limit

    def _trials_left(self) -> int:
        """How many trials will be made if no more cells agree."""
        return sum(
            max(0, self._design.trials - sum(trial.valid for trial in self._made[cell]))
            for cell in self._grid.cells
            if not agree(self._made[cell])
        )

    def _time_left(self) -> float:
        """s, if no more cells agree."""
        left = self._trial_seconds() * self._trials_left()
        limit = self._design.time_limit
        return min(left, max(_LEAST_LEFT_S, limit - (self._clock() - self._begun_at))) if limit else left

    def _trial_seconds(self) -> float:
        planned = self._design.warm_up + self._design.duration + _AROUND_A_TRIAL_S
        return fmean(trial.seconds for trial in self._all) if self._all else planned

    def _result(self) -> Result:
        design, cells = self._design, self._grid.cells
        summaries = tuple(
            summarise(cell.label(design), self._made[cell], asked=design.trials) for cell in cells
        )
        return Result(
            design=design,
            outcome=_outcome(summaries, self._all),
            answer=answer(design, cells, summaries, self._all),
            dropped=self._grid.dropped,
            summaries=summaries,
            trials=tuple(self._all),
            seconds=self._clock() - self._begun_at,
        )

    def _show(self, result: Result) -> Generator[Event, None, None]:
        if result.trials:
            yield trials_table(result.trials)
        yield loss_table(result.summaries)
        yield time_table(result.summaries)
        if any(summary.agreed for summary in result.summaries):
            yield Narrated(_AGREED)
        yield from charts([summary.label for summary in result.summaries], result.trials)


def _outcome(summaries: Sequence[Summary], trials: Sequence[Trial]) -> Outcome:
    if any(trial.outcome == "unexpected" for trial in trials):
        return "unexpected"
    return "expected" if all(summary.enough for summary in summaries) else "inconclusive"
