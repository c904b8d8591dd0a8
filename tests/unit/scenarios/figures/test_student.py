"""Student's t is that of the tables."""

import pytest

from scenarios.figures.student import t_quantile


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [
        *((1, 12.706), (2, 4.303), (5, 2.571), (6, 2.447), (7, 2.365), (8, 2.306), (9, 2.262), (12, 2.179)),
        *((20, 2.086), (30, 2.042), (40, 2.021), (60, 2.000), (120, 1.980)),
    ],
)
def test_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, abs=0.001)
