"""The charts of an experiment: its cells, trial by trial."""

from collections.abc import Iterator, Sequence

from scenarios.events import ChartShown, Curve
from scenarios.experiment.trial import Trial


def charts(labels: Sequence[str], trials: Sequence[Trial]) -> Iterator[ChartShown]:
    """The loss and p99 of every trial that counts. A single round makes no chart.

    Args:
        labels: Of the cells, in their order.
    """
    rounds = max((trial.number for trial in trials if trial.valid), default=0)
    if rounds < 2:
        return
    for key, title, unit, log in (
        ("lost", "Acknowledged writes that were lost", "writes", False),
        ("p99", "p99 of writes", "ms", True),
    ):
        curves = tuple(
            Curve(label, _by_round([trial for trial in trials if trial.cell == number], key, rounds))
            for number, label in enumerate(labels, 1)
        )
        if any(value is not None for curve in curves for value in curve.values):
            x = tuple(map(float, range(1, rounds + 1)))
            yield ChartShown(
                key=f"{key}_by_trial", title=title, x=x, x_label="trial", unit=unit, curves=curves, log_y=log
            )


def _by_round(trials: Sequence[Trial], key: str, rounds: int) -> tuple[float | None, ...]:
    """The figure of each round; None where it was not measured."""
    figures = {trial.number: trial.figures.get(key) for trial in trials if trial.valid}
    return tuple(figures.get(number) for number in range(1, rounds + 1))
