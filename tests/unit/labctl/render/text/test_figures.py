"""Numbers as people read them."""

import pytest

from labctl.render.text.figures import duration, figure, measure, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (0.0, "0"),
        (0.01234, "0.0123"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
        (float("inf"), "inf"),
        (-3.14159, "-3.14"),
        ("as it is", "as it is"),
        (True, "yes"),
    ],
)
def test_a_figure_keeps_the_digits_that_matter(value: int | float | str, shown: str) -> None:
    assert figure(value) == shown


def test_a_unit_stands_apart_unless_it_is_a_percentage() -> None:
    assert [measure(3, "ms"), measure(3, "%"), measure(3, "")] == ["3 ms", "3%", "3"]


def test_one_is_singular() -> None:
    assert [measure(1, "writes"), measure(1, "ms"), measure(1, "rows/s")] == ["1 write", "1 ms", "1 rows/s"]


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5_000_000, "5.0 MB"), (3 * 10**12, "3,000.0 GB")],
)
def test_sizes_take_the_largest_unit(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7200, "2 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
