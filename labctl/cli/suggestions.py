"""Suggestions for misspelt words: "did you mean …?"."""

from collections.abc import Sequence

from scenarios.suggest import closest, either
from stack.errors import UsageError


def require_known(kind: str, word: str, known: Sequence[str]) -> str:
    """Check that a word is known.

    Raises:
        UsageError: naming the closest word, and all known ones.
    """
    if word in known:
        return word
    close = closest(word, known, most=3)
    meant = f"did you mean {either(close)}? " if close else ""
    raise UsageError(f"there is no {kind} {word!r}", hint=f"{meant}choose one of {', '.join(known)}")
