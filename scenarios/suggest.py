"""What a misspelt word may have meant."""

from collections.abc import Sequence
from difflib import get_close_matches


def closest(word: str, known: Sequence[str], *, most: int = 1) -> list[str]:
    """The known words that are most like this one, the closest first; none if none is.

    Capitals, and dashes for underscores, make no difference.

    Args:
        most: How many at most.

    >>> closest("Write-Trough", ["write_behind", "write_through"])
    ['write_through']
    """
    spelt = {_plain(each): each for each in known}
    return [spelt[match] for match in get_close_matches(_plain(word), spelt, n=most)]


def either(words: Sequence[str]) -> str:
    """The words as alternatives.

    >>> either(["kill", "stop", "start"])
    'kill, stop or start'
    """
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")
