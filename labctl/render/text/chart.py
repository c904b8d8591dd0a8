"""Charts made of characters, drawn by plotext."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

import plotext

from labctl.render.text.figures import figure
from labctl.render.text.marks import ASCII, Marks
from scenarios.events import ChartShown, Curve

_HEIGHT: Final = 12
_NARROWEST: Final = 30
#: More curves than these can't be told apart: the first and the last ones are drawn.
_MOST_CURVES: Final = 3
#: Without colours, each curve is drawn with a sign of its own.
_SIGNS: Final = "*o+"
_COLOURS: Final = ("blue", "orange", "green")
_FRAME: Final = str.maketrans("┌┐└┘─│┤┬├┴┼", "++++-|++++-")
#: A logarithmic scale has a label at each of these in every power of ten.
_LEADS: Final = (1, 2, 5)
_LABELS: Final = 4


def draw(chart: ChartShown, width: int, marks: Marks, *, colour: bool) -> list[str]:
    """The lines of a chart, with its legend.

    Args:
        width: The columns that it may take.
        marks: The signs that the stream can write.
        colour: Whether the lines may have colours, as escape sequences.
    """
    curves = chart.curves if len(chart.curves) <= _MOST_CURVES else (chart.curves[0], *chart.curves[-2:])
    # It would cut a chart to the size of a terminal that it finds by itself.
    plotext.terminal.limit(False, False)
    plot = plotext.figure
    plot.clear()
    plot.plot_size(max(width, _NARROWEST), _HEIGHT)
    plot.theme("colorless")
    plot.legend(False)
    signs = list(_signs(marks, len(curves), colour=colour))
    # The first one is drawn last: it covers the others.
    for curve, (_, marker) in reversed(list(zip(curves, signs, strict=True))):
        _draw_curve(chart, curve, marker, filled=curve.style == "steps" and len(curves) == 1)
    _scale("x", chart.x, log=chart.log_x)
    values = [value for curve in curves for value in curve.values if value is not None]
    _scale("y", [value for value in values if value > 0] if chart.log_y else [0, *values], log=chart.log_y)
    drawn = str(plot.build())
    if not colour:
        drawn = plotext.uncolorize(drawn)
    if marks == ASCII:
        drawn = drawn.translate(_FRAME)
    legend = "   ".join(f"{sign} {curve.label}" for curve, (sign, _) in zip(curves, signs, strict=True))
    missing = [curve.label for curve in chart.curves if curve not in curves]
    left_out = textwrap.wrap(f"not drawn: {', '.join(missing)}", max(width, _NARROWEST)) if missing else []
    return [f"{legend}   ({chart.unit}, by {chart.x_label})", *left_out, *drawn.rstrip("\n").split("\n")]


def _signs(marks: Marks, count: int, *, colour: bool) -> Iterator[tuple[str, object]]:
    """For each curve, the sign in the legend and the marker that draws it."""
    for sign, name in zip(_SIGNS[:count], _COLOURS, strict=False):
        if colour and marks != ASCII:
            # As plotext itself numbers them.
            code = {"blue": 34, "orange": 33, "green": 32}[name]
            yield f"\x1b[{code}m{marks.bar}\x1b[0m", plotext.marker("braille", name)
        elif colour:
            yield sign, plotext.marker(sign, name)
        else:
            yield sign, sign if count > 1 or marks == ASCII else "braille"


def _draw_curve(chart: ChartShown, curve: Curve, marker: object, *, filled: bool) -> None:
    points: list[tuple[float, float]] = []
    #: Points that no line leads to, because there is a gap before them.
    alone: list[int] = []
    gap = False
    for x, value in zip(chart.x, curve.values, strict=True):
        if value is None or (value <= 0 and (chart.log_y or filled)):
            gap = True
            continue
        if gap:
            alone.append(len(points))
        gap = False
        points.append((_place(x, log=chart.log_x), _place(value, log=chart.log_y)))
    if not points:
        return
    signal = plotext.figure.signal([x for x, _ in points], [value for _, value in points], marker=marker)
    if filled:
        signal = signal.fillx()
    elif curve.style != "points":
        signal = signal.lines()
        for index in alone:
            signal = signal.line(index, False)
    plotext.figure.draw(signal)


def _place(value: float, *, log: bool) -> float:
    # The ticks of a logarithmic axis are ours, so the axis itself can stay a plain one.
    return math.log10(value) if log else value


def _scale(axis: str, values: Sequence[float], *, log: bool) -> None:
    if not values:
        return
    low, high = min(values), max(values)
    if high <= low:
        low, high = (low / 2, low * 2) if log else (low, low + 1)
    if axis == "y":
        low, high = (_rounded(low, up=False), _rounded(high, up=True)) if log else (low, _next(low, high))
    ticks = list(_decades(low, high) if log else _even(low, high))
    ruler = plotext.figure.ruler(axis)
    ruler.lim(_place(low, log=log), _place(high, log=log))
    ruler.ticks([_place(tick, log=log) for tick in ticks], [figure(tick) for tick in ticks])


def _rounded(value: float, *, up: bool) -> float:
    """The next number of 1, 2, 5, 10, 20 …"""
    power = 10.0 ** math.floor(math.log10(value))
    steps = [lead * power for lead in (*_LEADS, 10)]
    return next(s for s in steps if s >= value) if up else next(s for s in reversed(steps) if s <= value)


def _next(low: float, high: float) -> float:
    """The first tick that is not below the highest value."""
    step = _step(low, high)
    return math.ceil(high / step) * step


def _step(low: float, high: float) -> float:
    rough = (high - low) / _LABELS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(lead * power for lead in (*_LEADS, 10) if lead * power >= rough * (1 - 1e-9))


def _even(low: float, high: float) -> Iterator[float]:
    """Round numbers within the limits, evenly apart."""
    step = _step(low, high)
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield round(number * step, 10)


def _decades(low: float, high: float) -> Iterator[float]:
    """1, 2, 5, 10 … within the limits, or powers of ten if those are too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    leads = _LEADS if len(powers) <= _LABELS - 1 else (1,)
    ticks = [lead * 10.0**power for power in powers for lead in leads]
    within = [tick for tick in ticks if low <= tick <= high]
    yield from within or [low, high]
