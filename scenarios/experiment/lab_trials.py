"""Trials on a real lab, which is made anew for each."""

import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from scenarios.catalogue import choose, load_name
from scenarios.events import Event, ScenarioFinished
from scenarios.experiment.design import Design
from scenarios.experiment.grid import Cell, grid
from scenarios.experiment.measure import measure
from scenarios.experiment.trial import BOUND, PREDICTED, Trial
from scenarios.journal import files
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.runner import run_scenario
from scenarios.scenario import Scenario, Step
from scenarios.shell_commands import labctl_for
from stack.errors import LabError, StateUnusable
from stack.lab import Lab
from stack.spec.events import StackEvents

_KIND: Final = "basic"


def require_possible(design: Design) -> None:
    """Raises UsageError where the load of a trial is not possible, such as for an unknown fault."""
    for cell in grid(design).cells:
        _load(design, design.duration, cell.faults)


class LabTrials:
    """Runs each trial on a lab that is the experiment's own: empty, and with the settings of the cell."""

    def __init__(
        self, lab: Lab, design: Design, folder: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            folder: Where the journals of the trials go; no others are there.
        """
        self._lab = lab
        self._design = design
        self._folder = folder
        self._clock = clock
        #: Whether a lab came up before: then a failure may be a passing one.
        self._was_up = False

    def commands(self, cell: Cell) -> str:
        """See `scenarios.experiment.trial.Trials`."""
        settings = " ".join(f"--set {name}={value}" for name, value in cell.environment.items())
        faults = "".join(f" --fault {fault}" for fault in cell.faults)
        rate = f"--writes-per-second {self._design.writes_per_second:.10g}"
        load = f"load basic --duration {self._design.duration:.10g} {rate}{faults}"
        return "\n".join(labctl_for(self._lab.name, words) for words in (f"up {settings}", load, "down"))

    def run(self, cell: Cell, number: int, attempt: int, index: int) -> Generator[Event, None, Trial]:
        """Run one trial; see `scenarios.experiment.trial.Trials`."""
        begun_at = self._clock()
        before = set(files.journals(self._folder))
        try:
            yield from self._fresh(cell)
            yield from self._warm_up()
            end = yield from self._measured(cell)
        except LabError as error:
            if not self._was_up:
                raise
            # The load could not be run. The next trial, on a fresh lab, may well do.
            end = _inconclusive(error.message)
        journals = {run: path for run, path in files.journals(self._folder).items() if run not in before}
        run, path = next(iter(journals.items()), ("", None))
        figures: Mapping[str, float] = {}
        if path is not None:
            end, figures = read_trial(path, self._design, cell, end)
        return Trial(
            cell=index,
            number=number,
            attempt=attempt,
            outcome=end.outcome,
            conclusion=end.conclusion,
            figures=figures,
            run=f"{self._folder.name}/{run}" if run else "",
            seconds=self._clock() - begun_at,
        )

    def end(self) -> StackEvents:
        """Take the lab away."""
        yield from self._lab.down()

    def _fresh(self, cell: Cell) -> StackEvents:
        """A lab of empty tables and an empty Redis, whatever was left of the last one."""
        yield from self._lab.down()
        yield from self._lab.up(cell.environment, observability=False)
        self._was_up = True

    def _warm_up(self) -> Generator[Event, None, None]:
        """The same load, for a short time and without a judgement: then the servers' code and connections
        are warm. The trial waits until what it wrote is flushed."""
        if not self._design.warm_up:
            return
        scenario, options = _load(self._design, self._design.warm_up, ())
        with Run(self._lab, scenario.command) as run, closing(scenario.play(run, options)) as play:
            steps = 0
            for event in play:
                if isinstance(event, Step):
                    steps += 1
                    if steps > 1:
                        # From here on, the load is judged.
                        return
                else:
                    yield event

    def _measured(self, cell: Cell) -> Generator[Event, None, ScenarioFinished]:
        end = _inconclusive("The load did not come to its end.")
        load = run_scenario(
            self._lab, *_load(self._design, self._design.duration, cell.faults), folder=self._folder
        )
        with closing(load) as events:
            for event in events:
                end = event if isinstance(event, ScenarioFinished) else end
                yield event
        return end


def read_trial(
    journal: Path, design: Design, cell: Cell, end: ScenarioFinished
) -> tuple[ScenarioFinished, Mapping[str, float]]:
    """How a trial ended, and what it measured. One whose journal can't be read measured nothing.

    Args:
        end: How its load ended.
    """
    try:
        figures = measure(journal, broken_at=_broken_at(design, cell))
    except StateUnusable as error:
        return _inconclusive(error.message), {}
    if cell.policy == "write_through":
        # What it acknowledges is in PostgreSQL, whatever Redis loses.
        figures |= {name: 0.0 for name in (PREDICTED, BOUND) if name in figures}
    return end, figures


def _broken_at(design: Design, cell: Cell) -> float:
    """When the first fault of a trial is due, s since the load began."""
    _, options = _load(design, design.duration, cell.faults)
    times = [action.at for fault in options.fault for action in fault.actions if action.at is not None]
    return min(times, default=math.inf)


def _inconclusive(why: str) -> ScenarioFinished:
    return ScenarioFinished("", "inconclusive", why, 0.0)


def _load(design: Design, seconds: float, faults: tuple[str, ...]) -> tuple[Scenario, Options]:
    """What is run for so many s."""
    values = {
        "duration": seconds,
        "writes_per_second": design.writes_per_second,
        **({"fault": faults} if faults else {}),
    }
    return choose(load_name(_KIND), values)
