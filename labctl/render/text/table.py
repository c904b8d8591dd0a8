"""Columns of text without borders: the same for pipes, files and narrow screens.

Not `rich.table`: it crops words where the columns' minimums do not fit, and takes longer to import than
most commands take to run.
"""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len

from labctl.render.text.printable import printable
from labctl.render.text.wrap import break_lines

_GAP: Final = "  "
_NARROW_GAP: Final = " "
#: A number, with or without a unit of size; a dash where it is missing.
_FIGURE: Final = re.compile(r"-|-?[0-9,]+(\.[0-9]+)?( (B|kB|MB|GB))?")
#: Columns of the screen that a column of text keeps, however narrow it is.
_LEAST: Final = 16
#: What it keeps where even that is too wide, if its words have to be broken anyway.
_BROKEN: Final = 8


def lay_out(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """The heading and the rows as lines; figures are aligned right.

    Args:
        columns: The headings.
        rows: The cells of each row, as many as there are headings.
        width: Where the table is wider, its widest columns are broken into several lines, between words.
    """
    columns, rows = _printable(columns), [_printable(row) for row in rows]
    right = [bool(rows) and all(_is_figure(row[i]) for row in rows) for i in range(len(columns))]
    widths = [max(cell_len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    gap = _GAP
    if width is not None:
        gaps = len(widths) - 1
        cells = [[row[i] for row in rows] for i in range(len(columns))]
        _narrow(widths, list(map(_narrowest, columns, cells, right)), width - len(gap) * gaps)
        if sum(widths) + len(gap) * gaps > width:
            gap = _NARROW_GAP
            _narrow(widths, list(map(_longest_word, columns, cells, right)), width - len(gap) * gaps)
    return [line for row in (columns, *rows) for line in _lines(row, widths, right, gap)]


def _narrowest(heading: str, column: Sequence[str], figures: bool) -> int:
    """The columns of the screen that a column keeps: those of a whole figure, or of a word."""
    words = max(map(cell_len, heading.split()), default=1)
    if figures:
        return max(words, *map(cell_len, column))
    return max(words, min(_LEAST, max(map(cell_len, column), default=1)))


def _longest_word(heading: str, column: Sequence[str], figures: bool) -> int:
    """The columns of the screen that no word of a column needs more of; long words are broken."""
    if figures:
        return _narrowest(heading, column, figures)
    words = [cell_len(word) for cell in (heading, *column) for word in cell.split()]
    return max((word if word <= _LEAST else _BROKEN for word in words), default=1)


def _narrow(widths: list[int], least: Sequence[int], room: int) -> None:
    """Take from the widest that can spare something, until all fit or none can."""
    while (over := sum(widths) - room) > 0:
        spare = [(width, index) for index, width in enumerate(widths) if width > least[index]]
        if not spare:
            return
        width, index = max(spare)
        widths[index] = max(least[index], width - over)


def _printable(row: Sequence[str]) -> list[str]:
    return [printable(cell) for cell in row]


def _is_figure(cell: str) -> bool:
    return _FIGURE.fullmatch(cell) is not None


def _lines(row: Sequence[str], widths: Sequence[int], right: Sequence[bool], gap: str) -> list[str]:
    """One line, or as many as its longest cell takes."""
    parts = [
        [cell] if cell_len(cell) <= width else break_lines(cell, width, break_long_words=True)
        for cell, width in zip(row, widths, strict=True)
    ]
    return [_join(line, widths, right, gap) for line in zip_longest(*parts, fillvalue="")]


def _join(row: Sequence[str], widths: Sequence[int], right: Sequence[bool], gap: str) -> str:
    cells = []
    for cell, width, figures in zip(row, widths, right, strict=True):
        space = " " * (width - cell_len(cell))
        cells.append(space + cell if figures else cell + space)
    return gap.join(cells).rstrip()
