"""Means of a few trials, and how exact they are. Pure functions.

The trial is what is repeated: each starts its servers anew, so trials do not depend on each other, as the
requests within one do. From few trials, the interval is Student's, as Georges, Buytaert and Eeckhout advise
(Statistically Rigorous Java Performance Evaluation, OOPSLA 2007). Latencies and rates are compared by their
ratio, so their logarithms are taken.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev, variance
from typing import Final

from scenarios.figures.student import t_quantile

#: Of fewer trials, the interval is so wide that it says nothing.
FEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate, and the limits of its 95 % confidence interval, which are infinite if it is not known."""

    estimate: float
    low: float
    high: float

    @property
    def relative_half_width(self) -> float:
        """Half the interval as a share of the estimate; infinite around zero."""
        half = (self.high - self.low) / 2
        return half / self.estimate if self.estimate else math.inf if half else 0.0


def mean_interval(values: Sequence[float]) -> Estimate:
    """The mean of at least one figure; figures may be zero."""
    mean = fmean(values)
    if len(values) < FEWEST:
        return Estimate(mean, -math.inf, math.inf)
    half = t_quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def ratio_interval(values: Sequence[float]) -> Estimate | None:
    """The geometric mean of figures; None for no figures, or where one is not positive."""
    if not values or min(values) <= 0:
        return None
    return _exponential(mean_interval([math.log(value) for value in values]))


def ratio_of(values: Sequence[float], base: Sequence[float]) -> Estimate | None:
    """By which factor `values` are larger than `base` (Welch's interval, of the logarithms).

    Returns:
        None for fewer than `FEWEST` figures on either side, or where one is not positive.
    """
    if min(len(values), len(base)) < FEWEST or min(*values, *base) <= 0:
        return None
    logs, base_logs = [math.log(v) for v in values], [math.log(v) for v in base]
    parts = [variance(each) / len(each) for each in (logs, base_logs)]
    difference, error = fmean(logs) - fmean(base_logs), math.sqrt(sum(parts))
    half = t_quantile(_freedom(parts, (len(values), len(base)))) * error if error else 0.0
    return _exponential(Estimate(difference, difference - half, difference + half))


def _freedom(parts: Sequence[float], counts: Sequence[int]) -> int:
    """Degrees of freedom after Welch and Satterthwaite, rounded down."""
    each = (part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    return max(1, int(sum(parts) ** 2 / sum(each)))


def _exponential(logs: Estimate) -> Estimate:
    return Estimate(math.exp(logs.estimate), math.exp(logs.low), math.exp(logs.high))
