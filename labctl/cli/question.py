"""Asks whoever watches a question, on a terminal."""

import sys
from collections.abc import Sequence
from typing import Final

from scenarios.scripted.asker import Asker

#: Longer answers are cut.
_LONGEST: Final = 200


def asker(*, silent: bool) -> Asker:
    """What asks questions.

    Args:
        silent: Whether the output is for programs: then nothing is asked, as without a terminal.
    """
    asks = not silent and sys.stdin.isatty() and sys.stdout.isatty()
    return _ask if asks else lambda question, choices: None


def _ask(question: str, choices: Sequence[str]) -> str | None:
    """The answer; None at the end of the input, or if there is none.

    Raises:
        KeyboardInterrupt: whoever is asked quits.
    """
    sys.stdout.write(f"   {question}\n")
    for number, choice in enumerate(choices, 1):
        sys.stdout.write(f"   {number}  {choice}\n")
    while True:
        sys.stdout.write(f"   [ {'number' if choices else 'answer'}, or Enter to go on ] ")
        sys.stdout.flush()
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            # What is said next begins a line of its own.
            sys.stdout.write("\n")
            raise
        answer = "".join(one for one in line.strip() if one.isprintable())[:_LONGEST]
        if not answer:
            return None
        if not choices:
            return answer
        if answer in choices:
            return answer
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]
