"""Breaks text into lines between words, but only for a screen."""

import os
import re
import shutil
import textwrap
from typing import Final, TextIO

from rich.cells import cell_len

#: Columns; the least that a screen is assumed to have.
_NARROWEST = 24
_USUAL: Final = 80
_COMMAND = re.compile(r"`[^`]+`")
#: Stands for a space where no line may end; it appears in no text.
_GLUE = "\x1f"
#: Stands beside a character of two columns while lines are broken: counted together, they are its columns.
_FILL: Final = "\x1e"


def width_of(stream: TextIO) -> int | None:
    """The columns of the terminal that the stream writes to; None for pipes and files, where lines stay
    whole."""
    try:
        if not stream.isatty():
            return None
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None
    # A terminal that does not know its size says 0.
    return max(_NARROWEST, columns) if columns else None


def reading_width(stream: TextIO) -> int:
    """The columns for prose, which is wrapped in pipes and files, too: those of the terminal, else COLUMNS,
    else 80."""
    width = width_of(stream)
    if width is not None:
        return width
    return max(_NARROWEST, shutil.get_terminal_size((_USUAL, 0)).columns)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns. A word that is longer stays in one piece: a path can be copied, and
    an option keeps its hyphens. So does a command in backticks that fits into a line."""
    glued = _COMMAND.sub(lambda found: _glue(found[0], width), text)
    return [line.replace(_GLUE, " ") for line in break_lines(glued, width)]


def break_lines(text: str, width: int, *, break_long_words: bool = False) -> list[str]:
    """Lines of at most `width` columns, broken between words, never at a hyphen."""
    filled = text if text.isascii() else "".join(c + _FILL if cell_len(c) > 1 else c for c in text)
    lines = textwrap.wrap(filled, max(1, width), break_long_words=break_long_words, break_on_hyphens=False)
    return [line.replace(_FILL, "") for line in lines]


def _glue(command: str, width: int) -> str:
    return command.replace(" ", _GLUE) if cell_len(command) <= width else command


def fitted(text: str, width: int | None, *, lead: str = "") -> list[str]:
    """The text beside its lead, further lines below the text's beginning. What fits stays as it is."""
    if width is None or cell_len(lead) + cell_len(text) <= width:
        return [f"{lead}{text}"]
    lines = wrap(text, width - cell_len(lead)) or [""]
    return [f"{lead if number == 0 else ' ' * len(lead)}{line}" for number, line in enumerate(lines)]
