"""What the trials of one cell say together, and whether that is enough. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Final

from scenarios.experiment.interval import FEWEST, Estimate, mean_interval, ratio_interval
from scenarios.experiment.trial import BOUND, PREDICTED, Trial

#: Trials agree when the 95 % interval of the loss and of p99 is at most this far from its middle, as a share.
AGREE_WITHIN: Final = 0.10
#: A loss can't be told more exactly than this, as a share of the writes of one second.
_LOSS_RESOLUTION: Final = 0.02
#: Figures that are shown as a geometric mean.
RATIOS: Final = ("p50", "p99", "writes_per_second", "persist_lag_p50", "persist_lag_p99")


@dataclass(frozen=True, slots=True)
class Loss:
    """Acknowledged writes that were lost, over the trials of a cell."""

    median: float
    least: int
    most: int
    #: What was predicted, on average, and the most that was possible in any one trial; None if no trial says.
    predicted: float | None
    bound: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One cell."""

    label: str
    #: Trials that count, and those that do not.
    valid: int
    invalid: int
    #: Whether there are enough trials for any figure: `FEWEST`, unless fewer were asked for.
    enough: bool
    #: Whether it ended early because they agree.
    agreed: bool
    loss: Loss | None
    #: Of `RATIOS`: the geometric mean of the trials; low and high are the 95 % interval.
    means: dict[str, Estimate]
    #: The same figures by trial.
    values: dict[str, tuple[float, ...]]

    def mean(self, name: str) -> float | None:
        """The mean of a figure; None if it was not measured."""
        interval = self.means.get(name)
        return None if interval is None else interval.estimate

    def document(self) -> dict[str, Any]:
        """The cell as JSON holds it."""
        return {
            "cell": self.label,
            "trials": self.valid,
            "inconclusive_trials": self.invalid,
            "enough_trials": self.enough,
            "stopped_early": self.agreed,
            "lost": None
            if self.loss is None
            else {
                "median": self.loss.median,
                "min": self.loss.least,
                "max": self.loss.most,
                "predicted": self.loss.predicted,
                "bound": self.loss.bound,
            },
            **{name: {"mean": mean.estimate, **_limits(mean)} for name, mean in self.means.items()},
        }


def summarise(label: str, trials: Sequence[Trial], *, asked: int) -> Summary:
    """What the trials of one cell say.

    Args:
        trials: All of this cell, inconclusive ones included.
        asked: How many trials were to be made.
    """
    valid = [trial for trial in trials if trial.valid]
    enough = len(valid) >= min(FEWEST, asked)
    values = {name: _values(valid, name) for name in RATIOS} if enough else {}
    means = {name: mean for name, each in values.items() if (mean := ratio_interval(each)) is not None}
    return Summary(
        label=label,
        valid=len(valid),
        invalid=len(trials) - len(valid),
        enough=enough,
        agreed=len(valid) < asked and agree(trials),
        loss=_loss(valid) if enough else None,
        means=means,
        values=values,
    )


def agree(trials: Sequence[Trial]) -> bool:
    """Whether more trials of this cell would hardly change its figures.

    At least `FEWEST` are valid, and the 95 % intervals of their loss and p99 are narrow.
    """
    valid = [trial for trial in trials if trial.valid]
    if len(valid) < FEWEST:
        return False
    p99, losses = ratio_interval(_values(valid, "p99")), _values(valid, "lost")
    if p99 is None or p99.relative_half_width > AGREE_WITHIN or len(losses) < FEWEST:
        return False
    lost = mean_interval(losses)
    resolution = _LOSS_RESOLUTION * min(_values(valid, "writes_per_second"), default=0.0)
    return lost.high - lost.estimate <= max(resolution, AGREE_WITHIN * lost.estimate)


def _limits(interval: Estimate) -> dict[str, float | None]:
    known = math.isfinite(interval.high)
    return {"low": interval.low if known else None, "high": interval.high if known else None}


def _values(trials: Sequence[Trial], name: str) -> tuple[float, ...]:
    return tuple(trial.figures[name] for trial in trials if name in trial.figures)


def _loss(trials: Sequence[Trial]) -> Loss | None:
    lost = _values(trials, "lost")
    if not lost:
        return None
    predicted, bounds = _values(trials, PREDICTED), _values(trials, BOUND)
    return Loss(
        median=median(lost),
        least=int(min(lost)),
        most=int(max(lost)),
        predicted=fmean(predicted) if predicted else None,
        bound=max(bounds, default=None),
    )
