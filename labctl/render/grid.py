"""Columns of text without borders: the same for pipes, files and narrow screens."""

import re
import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from labctl.render.printable import printable

_GAP: Final = "  "
#: A number, alone or as a size; a dash where there is none.
_FIGURE: Final = re.compile(r"-|-?[0-9,]+(\.[0-9]+)?( (B|kB|MB|GB))?")
#: Columns of the screen that a column of text keeps, however narrow it is.
_LEAST: Final = 16


def lay_out(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """A heading and its rows, aligned; columns of figures to the right.

    Args:
        width: Where the table is wider, its widest column is broken into several lines, between words.
    """
    columns, rows = _printable(columns), [_printable(row) for row in rows]
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    right = [bool(rows) and all(_is_figure(row[i]) for row in rows) for i in range(len(columns))]
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - (width or 0)
    if width is not None and over > 0:
        widest = widths.index(max(widths))
        widths[widest] = max(_LEAST, widths[widest] - over)
    return [line for row in (columns, *rows) for line in _lines(row, widths, right)]


def _printable(cells: Sequence[str]) -> list[str]:
    return [printable(cell) for cell in cells]


def _is_figure(cell: str) -> bool:
    return _FIGURE.fullmatch(cell) is not None


def _lines(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    """One line, or as many as its longest cell takes."""
    cells = [
        [cell] if len(cell) <= width else textwrap.wrap(cell, width, break_on_hyphens=False)
        for cell, width in zip(row, widths, strict=True)
    ]
    return [_join(parts, widths, right) for parts in zip_longest(*cells, fillvalue="")]


def _join(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = [
        cell.rjust(width) if flush else cell.ljust(width)
        for cell, width, flush in zip(row, widths, right, strict=True)
    ]
    return _GAP.join(cells).rstrip()
