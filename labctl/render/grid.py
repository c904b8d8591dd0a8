"""Columns of text without borders: the same for pipes, files and narrow screens."""

from collections.abc import Sequence

from labctl.render.printable import printable


def lay_out(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A heading and its rows, aligned; columns of figures to the right."""
    columns, rows = _printable(columns), [_printable(row) for row in rows]
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    right = [bool(rows) and all(_is_figure(row[i]) for row in rows) for i in range(len(columns))]
    return [_join(row, widths, right) for row in (columns, *rows)]


def _printable(cells: Sequence[str]) -> list[str]:
    return [printable(cell) for cell in cells]


def _is_figure(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "", 1).replace("-", "", 1).isdigit()


def _join(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = [
        cell.rjust(width) if flush else cell.ljust(width)
        for cell, width, flush in zip(row, widths, right, strict=True)
    ]
    return "  ".join(cells).rstrip()
