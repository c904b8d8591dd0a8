"""Student's t: how far a mean of few values may be from the truth. Pure functions."""

from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95
#: By degrees of freedom from 1, where the expansion below is not exact.
_EXACT: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def t_quantile(freedom: int) -> float:
    """The 97.5 % point of Student's t, for an interval of 95 %; exact to 0.001.

    From 11 degrees of freedom on, it is the expansion around the normal distribution (Abramowitz and Stegun,
    Handbook of Mathematical Functions, 26.7.5).

    Args:
        freedom: Degrees of freedom, at least 1.
    """
    if freedom <= len(_EXACT):
        return _EXACT[freedom - 1]
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
