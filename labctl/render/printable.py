"""Text from elsewhere, made harmless for a terminal."""

from typing import Final

#: C0 and C1 control characters: an escape sequence in a product's name must not steer the screen, nor a
#: line end break a table.
_CONTROLS: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "?")


def printable(text: str) -> str:
    """The text with a `?` for every control character."""
    return text.translate(_CONTROLS)
