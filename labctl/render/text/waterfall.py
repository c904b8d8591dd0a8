"""A waterfall as lines of text: what, when, how long, and a bar on the time axis."""

from typing import Final

from rich.cells import cell_len

from labctl.render.text.figures import duration, figure
from labctl.render.text.marks import Marks
from labctl.render.text.printable import printable
from scenarios.life.axis import Axis, axis
from scenarios.life.waterfall import Row, Waterfall

#: Without a screen, lines are as wide as this.
_USUAL_WIDTH: Final = 80
#: Narrower bars say nothing: then there are none.
_LEAST_BAR: Final = 12
_MOST_LABEL: Final = 34
_TIMES: Final = 22
_BREAK: Final = "//"


def draw_waterfall(shown: Waterfall, width: int | None, marks: Marks) -> list[str]:
    """The lines of a waterfall.

    Args:
        width: The columns of the screen; None: there is none.
        marks: The signs that the stream can write.
    """
    columns = width or _USUAL_WIDTH
    labels = list(map(_label, shown.rows))
    longest = max(map(cell_len, labels), default=0)
    label = min(longest, _MOST_LABEL, max(8, columns - _TIMES - _LEAST_BAR))
    room = columns - label - _TIMES
    if room < _LEAST_BAR:
        label, room = max(8, columns - _TIMES), 0
    scale = axis(shown.rows, max(1, room))
    lines = [f"{'':<{label}}{'at':>10}{'took':>11}".rstrip()]
    for text, row in zip(labels, shown.rows, strict=True):
        took = "" if row.kind == "event" else time(row.end_us - row.start_us)
        line = f"{_cut(text, label)}{time(row.start_us):>10}{took:>11}"
        lines.append(f"{line} {_bar(row, scale, room - 1, marks)}".rstrip() if room else line.rstrip())
    if room and scale.left_out_us:
        lines.append("")
        lines.append(f"To scale, but for {time(scale.left_out_us)} that are left out at {_BREAK}.")
    return lines


def time(micros: int) -> str:
    """ "480 µs" becomes "0.48 ms"; from ten seconds on, seconds.

    >>> time(1500)
    '1.50 ms'
    """
    ms = micros / 1000
    return duration(ms / 1000) if ms >= 10_000 else f"{figure(round(ms, 2)) if ms < 100 else f'{ms:,.0f}'} ms"


def _label(row: Row) -> str:
    who = f"{row.who}: " if row.who else ""
    mark = "! " if row.failed else ""
    return printable(f"{'  ' * row.depth}{mark}{who}{row.what}")


def _cut(text: str, columns: int) -> str:
    if cell_len(text) > columns:
        text = text[: columns - 1] + "~"
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
