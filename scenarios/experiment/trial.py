"""One trial, and what it measured."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from scenarios.events import Event, Outcome
from scenarios.experiment.grid import Cell

#: What the load predicts of the loss before it looks: the rate of writes, for the time that they are in
#: Redis alone; and the most that is possible.
PREDICTED: Final = "predicted_loss"
BOUND: Final = "predicted_loss_most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of one trial."""

    #: The number of the cell, and of the round, both from 1; of the attempt: 2 where it was tried again.
    cell: int
    number: int
    attempt: int = 1
    #: Inconclusive: it measured nothing that counts.
    outcome: Outcome
    #: The load's last sentence, or why it could not be run.
    conclusion: str
    #: Named as in `scenarios.figures`, with `PREDICTED` and `BOUND`; times are in ms. One that was not
    #: measured is missing.
    figures: Mapping[str, float]
    #: The name of its journal; empty if it has none.
    run: str = ""
    seconds: float = 0.0

    @property
    def valid(self) -> bool:
        """Whether its figures count. A load that did not end as predicted still measured something."""
        return self.outcome != "inconclusive"

    def document(self) -> dict[str, Any]:
        """The trial as JSON and journals hold it."""
        return {
            "cell": self.cell,
            "trial": self.number,
            "attempt": self.attempt,
            "outcome": self.outcome,
            "conclusion": self.conclusion,
            "run": self.run or None,
            "seconds": round(self.seconds, 3),
            "figures": dict(self.figures),
        }


class Trials(Protocol):
    """Runs trials; the experiment decides which, and when it has seen enough."""

    def commands(self, cell: Cell) -> str:
        """What a person could type for one trial of this cell, a command on each line."""
        ...

    def run(self, cell: Cell, number: int, attempt: int, index: int) -> Generator[Event, None, Trial]:
        """Run one trial on a fresh lab.

        Args:
            cell: What is tried.
            index: The number of the cell, from 1.

        Raises:
            LabError: the first lab can't be brought up; another one could not either.
        """
        ...
