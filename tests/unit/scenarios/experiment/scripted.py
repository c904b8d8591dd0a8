"""Trials without a lab: what each measures is written down."""

from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence

from scenarios.events import Event, Outcome
from scenarios.experiment.grid import Cell
from scenarios.experiment.trial import Trial
from stack.spec.events import StackNoted


def trial(*, lost: float = 0, p99: float = 2.0, outcome: Outcome = "expected", **figures: float) -> Trial:
    """A trial of the first cell that measured these figures."""
    measured = {"lost": lost, "p99": p99, "p50": 1.0, "writes_per_second": 500.0, **figures}
    return Trial(cell=1, number=1, outcome=outcome, conclusion="It ended.", figures=measured)


class ScriptedTrials:
    """Answers from a script, and remembers what was asked. A trial takes 10 s by the script's clock."""

    def __init__(self, script: Callable[[Cell, int, int], tuple[Outcome, Mapping[str, float]]]) -> None:
        self._script = script
        self.asked: list[tuple[Cell, int, int]] = []
        self.closed = 0
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def commands(self, cell: Cell) -> str:
        return f"labctl load basic, under {cell.policy}"

    def run(self, cell: Cell, number: int, attempt: int, index: int) -> Generator[Event, None, Trial]:
        self.asked.append((cell, number, attempt))
        try:
            for _ in range(2):
                yield StackNoted("at work")
                self.now += 5
        finally:
            self.closed += 1
        outcome, figures = self._script(cell, number, attempt)
        return Trial(
            cell=index,
            number=number,
            attempt=attempt,
            outcome=outcome,
            conclusion="The worker is stuck." if outcome == "inconclusive" else "It ended.",
            figures=figures,
            run=f"run-{len(self.asked)}",
            seconds=10,
        )

    def tried(self, cell: Cell) -> Sequence[int]:
        """The rounds in which this cell was tried, retries included."""
        rounds = defaultdict[Cell, list[int]](list)
        for asked, number, _ in self.asked:
            rounds[asked].append(number)
        return rounds[cell]
