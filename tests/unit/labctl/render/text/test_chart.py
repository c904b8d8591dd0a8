"""Charts made of characters."""

import pytest

from labctl.render.text.chart import draw
from labctl.render.text.marks import ASCII, UNICODE, Marks
from scenarios.events import ChartShown, Curve

_X = tuple(float(n) for n in range(100))


def _chart(*values: tuple[float | None, ...], log: bool = False, style: str = "line") -> ChartShown:
    curves = tuple(Curve(f"curve {n}", each, style) for n, each in enumerate(values))  # type: ignore[arg-type]
    return ChartShown(
        key="k", title="t", x=_X[: len(values[0])], x_label="s", unit="ms", curves=curves, log_y=log
    )


_RISING = _chart(tuple(float(n * n) for n in range(100)), tuple(float(n) for n in range(100)))


@pytest.mark.parametrize("width", [30, 79, 120])
@pytest.mark.parametrize("marks", [UNICODE, ASCII])
def test_it_fits_and_fills_the_width(width: int, marks: Marks) -> None:
    _, *drawn = draw(_RISING, width, marks, colour=False)
    assert {len(line) for line in drawn} == {width}


def test_ascii_is_all_that_a_narrow_encoding_gets() -> None:
    assert "".join(draw(_RISING, 79, ASCII, colour=False)).isascii()


def test_without_colours_there_are_no_escapes_and_each_curve_has_its_sign() -> None:
    legend, *drawn = draw(_RISING, 79, UNICODE, colour=False)
    assert "\x1b" not in "".join([legend, *drawn])
    assert legend == "* curve 0   o curve 1   (ms, by s)"
    assert {"*", "o"} <= set("".join(drawn))


def test_a_curve_that_is_not_drawn_is_named() -> None:
    chart = _chart(*((float(n), 9.0) for n in range(4)))
    legend, left_out, *_ = draw(chart, 79, ASCII, colour=False)
    assert legend == "* curve 0   o curve 2   + curve 3   (ms, by s)"
    assert left_out == "not drawn: curve 1"


def test_with_colours_there_are() -> None:
    assert "\x1b[" in "".join(draw(_RISING, 79, UNICODE, colour=True))


def test_the_highest_value_is_at_the_top_of_a_labelled_axis() -> None:
    _, *drawn = draw(_chart((0.0, 500.0, 970.0)), 60, ASCII, colour=False)
    assert drawn[1].lstrip().startswith("1,000")
    assert "*" in drawn[1] + drawn[2]


def test_a_logarithmic_axis_has_round_labels() -> None:
    _, *drawn = draw(_chart((0.5, 30.0, 800.0), log=True), 60, ASCII, colour=False)
    labels = [line.split("+")[0].strip() for line in drawn if "+" in line]
    assert {"1", "10", "100", "1,000"} <= set(labels)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "values", [(5.0,), (0.0, 0.0), (None, None), (3.0, 3.0, 3.0), (None, 1e-3, 1e9), (0.0, 1e12)]
)
def test_odd_values_are_drawn_without_a_fault(values: tuple[float | None, ...], log: bool) -> None:
    for style in ("line", "points", "steps"):
        assert draw(_chart(values, log=log, style=style), 60, UNICODE, colour=False)


def test_a_gap_is_not_bridged() -> None:
    values = (*(5.0,) * 30, *(None,) * 40, *(5.0,) * 30)
    _, *drawn = draw(_chart(values), 79, ASCII, colour=False)
    (line,) = (line for line in drawn if "*" in line)
    assert line.count(" " * 20)
