"""Makes text from elsewhere harmless for a terminal."""

import unicodedata
from typing import Final

#: C0 and C1 control characters: an escape sequence in a product's name must not steer the screen, nor a
#: line end break a table.
_CONTROLS: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "?")
#: What a reader does not see, or that shows other characters in another order than they are in: marks of
#: format (U+200B, U+202E, U+2066 …), separators of lines, halves of characters.
_UNSEEN: Final = frozenset({"Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """The text with a `?` for every control character, and an escape for every invisible mark."""
    shown = text.translate(_CONTROLS)
    return shown if shown.isascii() else "".join(map(_visible, shown))


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()
