"""How certain a figure is that was measured once: confidence intervals by the block bootstrap.

Latencies within a run depend on each other: one stall slows a hundred writes. If they were treated as
independent, intervals would be far too narrow. So blocks of time are drawn anew, not single values
(Carlstein, The Use of Subseries Values for Estimating the Variance of a General Statistic from a Stationary
Sequence, 1986; Künsch, The Jackknife and the Bootstrap for General Stationary Observations, 1989). From few
blocks, percentiles of the redrawn figures are still too narrow; they are widened as Hesterberg does (What
Teachers Should Know about the Bootstrap, 2015, "expanded percentile interval").

The interval knows only what varied within the run. Whatever differs from one run to the next, such as what
else the machine did, is not in it.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from random import Random
from statistics import NormalDist
from typing import Final

from scenarios.figures.series import Series, Table
from scenarios.figures.student import t_quantile
from scenarios.judge.persist_lag import percentiles

#: Of fewer blocks, nothing is said. Rare values take more blocks to show how much they vary: in a simulation,
#: shorter runs had the truth outside their intervals up to four times as often as the intervals claim.
FEWEST_BLOCKS: Final = 8
_FEWEST_FOR_TAILS: Final = ((98.0, 20), (90.0, 12))
#: At least so many values must lie beyond a percentile.
FEWEST_BEYOND: Final = 5
_DRAWS: Final = 1_000
#: The same journals always give the same intervals. The two sides of a comparison are drawn independently.
_SEED: Final = 20_260_101


@dataclass(frozen=True, slots=True)
class Interval:
    """The limits of a 95 % confidence interval."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference with this interval is more than noise."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Draws:
    """A figure as it would have been, had the same run gone differently by chance."""

    values: Sequence[float]
    #: How many blocks were drawn from.
    blocks: int

    @property
    def interval(self) -> Interval:
        """Where the figure lies."""
        return _interval(self.values, self.blocks)

    def over(self, base: "Draws") -> Interval:
        """By how much this figure exceeds `base`."""
        differences = [value - other for value, other in zip(self.values, base.values, strict=True)]
        return _interval(differences, min(self.blocks, base.blocks))


def percentile(series: Series, percent: float) -> float | None:
    """The smallest value, in ms, that is not exceeded by that many of them; None if there is no value."""
    values = series.values()
    return percentiles(values, (percent,))[0] / 1000 if values else None


def draw_percentile(series: Series, percent: float, *, side: int = 0) -> Draws | None:
    """A percentile of redrawn blocks, in ms.

    Args:
        side: 0, or 1 for the other side of a comparison.

    Returns:
        None if there is too little to say how certain it is.
    """
    if series.count * (1 - percent / 100) < FEWEST_BEYOND:
        return None
    table = series.table()
    if table.blocks < fewest_blocks(percent):
        return None
    return _draw(table.blocks, side, lambda weights: _percentile(table, weights, percent))


def fewest_blocks(percent: float) -> int:
    """How many blocks it takes to say how certain a percentile is."""
    return next((blocks for least, blocks in _FEWEST_FOR_TAILS if percent >= least), FEWEST_BLOCKS)


def draw_rate(series: Series, *, side: int = 0) -> Draws | None:
    """Values a second of redrawn blocks; None and `side` as for `draw_percentile`."""
    counts, seconds = series.counts(), series.block_s * max(1, len(series.counts()))
    return _draw(len(counts), side, lambda weights: sum(map(mul, weights, counts)) / seconds)


def _draw(blocks: int, side: int, figure: Callable[[list[int]], float]) -> Draws | None:
    if blocks < FEWEST_BLOCKS:
        return None
    random = Random(_SEED + side)
    values = []
    for _ in range(_DRAWS):
        weights = [0] * blocks
        for chosen in random.choices(range(blocks), k=blocks):
            weights[chosen] += 1
        values.append(figure(weights))
    return Draws(values, blocks)


def _percentile(table: Table, weights: Sequence[int], percent: float) -> float:
    """In ms, if each block occurs as often as its weight says."""
    total = sum(map(mul, weights, table.columns[-1]))
    needed = math.ceil(total * percent / 100)
    place = bisect_left(table.columns, needed, key=lambda column: sum(map(mul, weights, column)))
    return table.values[place] / 1000


def _interval(values: Sequence[float], blocks: int) -> Interval:
    widened = math.sqrt(blocks / (blocks - 1)) * t_quantile(blocks - 1)
    beyond = NormalDist().cdf(-widened)
    ordered, last = sorted(values), len(values) - 1
    below = math.floor(beyond * last)
    return Interval(ordered[below], ordered[last - below])
