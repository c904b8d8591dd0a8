"""Percentiles of a few values."""

from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of the others lies below.

    >>> percentile([1, 2, 3, 4], 0.5)
    3

    Args:
        ordered: One value or more, in ascending order.
        share: From 0 to 1.
    """
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
