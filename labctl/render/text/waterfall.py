"""A waterfall as lines of text: what, when, how long, and a bar on the time axis."""

import re
from typing import Final

from rich.cells import cell_len

from labctl.render.text.figures import duration
from labctl.render.text.marks import Marks
from labctl.render.text.printable import printable
from scenarios.life.axis import Axis, axis
from scenarios.life.waterfall import Row, Waterfall

#: Without a screen, lines are as wide as this.
_USUAL_WIDTH: Final = 80
#: Narrower bars would say nothing.
_LEAST_BAR: Final = 12
_MOST_LABEL: Final = 34
#: More of the names is worth more than bars.
_LABEL_BESIDE_BAR: Final = 18
_LEAST_LABEL: Final = 10
_AT: Final = 10
_TOOK: Final = 11
_BREAK: Final = "//"
_VERSION: Final = re.compile(r"\d{10,}$")
_TELLING_DIGITS: Final = 6


def draw_waterfall(shown: Waterfall, width: int | None, marks: Marks) -> list[str]:
    """The lines of a waterfall.

    Args:
        width: The columns of the screen; None: there is none.
        marks: The signs that the stream can write.
    """
    columns = width or _USUAL_WIDTH
    labels = list(map(_label, shown.rows))
    longest = max(map(cell_len, labels), default=0)
    # A narrow screen has no room for bars, and a very narrow one none for when each row began.
    at = _AT if columns >= _LEAST_LABEL + _AT + _TOOK else 0
    room = columns - at - _TOOK
    label = min(longest, _MOST_LABEL, room - _LEAST_BAR)
    bar = room - label
    if label < min(longest, _LABEL_BESIDE_BAR):
        label, bar = min(longest, room), 0
    scale = axis(shown.rows, max(1, bar - 1))
    lines = [f"{'':<{label}}{'at' if at else '':>{at}}{'took':>{_TOOK}}"]
    for text, row in zip(labels, shown.rows, strict=True):
        began = time(row.start_us) if at else ""
        took = "" if row.kind == "event" else time(row.end_us - row.start_us)
        line = f"{_cut(text, label, marks)}{began:>{at}}{took:>{_TOOK}}"
        lines.append(f"{line} {_bar(row, scale, bar - 1, marks)}".rstrip() if bar else line.rstrip())
    if bar and scale.left_out_us:
        lines += ["", f"To scale, but for {time(scale.left_out_us)} that are left out at {_BREAK}."]
    return lines


def time(micros: int) -> str:
    """With as many decimals as its size needs.

    >>> [time(0), time(1500), time(50_900), time(502_000), time(12_000_000)]
    ['0 ms', '1.50 ms', '50.9 ms', '502 ms', '12 s']
    """
    ms = micros / 1000
    if abs(ms) >= 10_000:
        return duration(ms / 1000)
    decimals = 2 if abs(ms) < 10 else 1 if abs(ms) < 100 else 0
    return f"{ms:,.{decimals}f} ms" if micros else "0 ms"


def _label(row: Row) -> str:
    who = f"{row.who}: " if row.who else ""
    mark = "! " if row.failed else ""
    return printable(f"{'  ' * row.depth}{mark}{who}{row.what}")


def _cut(text: str, columns: int, marks: Marks) -> str:
    if cell_len(text) > columns:
        number = _VERSION.search(text)
        # Versions differ in their last digits.
        start, end = text, ""
        if number and columns > 2 * _TELLING_DIGITS:
            start = text[: number.start()]
            end = number[0][-max(_TELLING_DIGITS, columns - 1 - len(start)) :]
        text = start[: columns - len(end) - 1] + marks.cut + end
    return text + " " * (columns - cell_len(text))


def _bar(row: Row, scale: Axis, columns: int, marks: Marks) -> str:
    first = min(int(scale.column(row.start_us)), columns - 1)
    last = max(first + 1, min(columns, round(scale.column(row.end_us))))
    if row.kind == "event":
        return " " * first + (marks.bad if row.failed else marks.dot)
    bar = list(" " * first + (marks.track if row.kind == "wait" else marks.bar) * (last - first))
    for one in scale.stretches:
        middle = int((one.first + one.last) / 2) - 1
        if one.broken and first <= middle and middle + len(_BREAK) <= last:
            bar[middle : middle + len(_BREAK)] = _BREAK
    return "".join(bar)
