"""Trials on a real lab, which is made anew for each."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from scenarios.catalogue import choose, load_name
from scenarios.events import Event, ScenarioFinished
from scenarios.experiment.design import Design
from scenarios.experiment.grid import Cell
from scenarios.experiment.trial import Trial
from scenarios.options import Options
from scenarios.runner import run_scenario
from scenarios.scenario import Scenario
from stack.errors import LabError
from stack.lab import Lab
from stack.spec.events import StackEvents

_KIND: Final = "basic"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a recorded load left behind."""

    #: The name of its journal; empty if it has none.
    run: str
    #: By the names that `scenarios.experiment.trial` gives.
    figures: Mapping[str, float]


#: Runs one load, with a journal, and says what it measured.
RecordedRun = Callable[[Lab, Scenario, Options], Generator[Event, None, Measurement]]


class LabTrials:
    """Runs each trial on a lab that is the experiment's own: empty, and with the settings of the cell."""

    def __init__(
        self, lab: Lab, design: Design, record: RecordedRun, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lab = lab
        self._design = design
        self._record = record
        self._clock = clock

    def run(self, cell: Cell, number: int, attempt: int, index: int) -> Generator[Event, None, Trial]:
        """Run one trial; see `scenarios.experiment.trial.Trials`."""
        begun_at = self._clock()
        end, measured = ScenarioFinished("", "inconclusive", "", 0.0), Measurement("", {})
        yield from self._fresh(cell)
        try:
            yield from self._warm_up()
            with closing(self._record(self._lab, *self._load(self._design.duration, cell.faults))) as load:
                while True:
                    event = next(load)
                    end = event if isinstance(event, ScenarioFinished) else end
                    yield event
        except StopIteration as stop:
            measured = stop.value
        except LabError as error:
            # The load could not be run: another trial may have more luck.
            end = ScenarioFinished("", "inconclusive", error.message, 0.0)
        return Trial(
            cell=index,
            number=number,
            attempt=attempt,
            outcome=end.outcome,
            conclusion=end.conclusion,
            figures=measured.figures,
            run=measured.run,
            seconds=self._clock() - begun_at,
        )

    def end(self) -> StackEvents:
        """Take the lab away."""
        yield from self._lab.down()

    def _fresh(self, cell: Cell) -> StackEvents:
        """A lab of empty tables and an empty Redis, whatever was left of the last one."""
        yield from self._lab.down()
        yield from self._lab.up(cell.environment, observability=False)

    def _warm_up(self) -> Generator[Event, None, None]:
        """The same load, for a short time: caches, connections and the servers' own code are warm then."""
        if self._design.warm_up:
            yield from run_scenario(self._lab, *self._load(self._design.warm_up, ()))

    def _load(self, seconds: float, faults: tuple[str, ...]) -> tuple[Scenario, Options]:
        values = {
            "duration": seconds,
            "rate": self._design.writes_per_second,
            **({"fault": faults} if faults else {}),
        }
        return choose(load_name(_KIND), values)
