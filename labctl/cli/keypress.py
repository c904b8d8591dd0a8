"""Waits for a key from the presenter."""

import sys
from typing import Final

import typer

_PROMPT: Final = "   [ any key: run this step    q: quit ]"
#: q, Ctrl-C, Ctrl-D and Escape.
_QUIT: Final = ("q", "Q", "\x03", "\x04", "\x1b")


def wait_for_key() -> None:
    """Return at a key; the prompt leaves no trace.

    Raises:
        KeyboardInterrupt: the presenter quits.
    """
    sys.stdout.write(_PROMPT)
    sys.stdout.flush()
    try:
        key = typer.getchar()
    finally:
        sys.stdout.write("\r" + " " * len(_PROMPT) + "\r")
        sys.stdout.flush()
    if key in _QUIT:
        raise KeyboardInterrupt
