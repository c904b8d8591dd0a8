"""Breaks text into lines between words, but only for a screen."""

import os
import re
from typing import TextIO

from labctl.render import cells

#: Columns; the least that a screen is assumed to have.
_NARROWEST = 24
_COMMAND = re.compile(r"`[^`]+`")
#: Stands for a space where no line may end; it appears in no text.
_GLUE = "\x1f"


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


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns. A word that is longer stays in one piece: a path can be copied, and
    an option keeps its hyphens. So does a command in backticks that fits into a line."""
    glued = _COMMAND.sub(lambda found: _glue(found[0], width), text)
    lines = cells.wrap(glued, width, break_long_words=False)
    return [line.replace(_GLUE, " ") for line in lines]


def _glue(command: str, width: int) -> str:
    return command.replace(" ", _GLUE) if cells.width(command) <= width else command


def fitted(text: str, width: int | None, *, lead: str = "") -> list[str]:
    """The text beside its lead, further lines below the text's beginning. What fits stays as it is."""
    if width is None or cells.width(lead) + cells.width(text) <= width:
        return [f"{lead}{text}"]
    lines = wrap(text, width - cells.width(lead)) or [""]
    return [f"{lead if number == 0 else ' ' * len(lead)}{line}" for number, line in enumerate(lines)]
