"""How many columns of a screen a text takes: East Asian characters and emoji take two, accents none."""

import textwrap
from typing import Final

#: Stands beside a character of two columns while lines are broken: counted together, they are its columns.
_FILL: Final = "\x1e"


def width(text: str) -> int:
    """Columns."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def ljust(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def rjust(text: str, columns: int) -> str:
    return " " * max(0, columns - width(text)) + text


def wrap(text: str, columns: int, *, break_long_words: bool) -> list[str]:
    """Lines of at most so many columns, broken between words, never at a hyphen."""
    filled = text if text.isascii() else "".join(c + _FILL if width(c) > 1 else c for c in text)
    lines = textwrap.wrap(filled, max(1, columns), break_long_words=break_long_words, break_on_hyphens=False)
    return [line.replace(_FILL, "") for line in lines]
