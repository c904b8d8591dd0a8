"""Asks before something is lost. Without a terminal there is no user to ask, so that is an error."""

import sys

import typer

from stack.errors import UsageError


def require_consent(question: str, *, given: bool, flag: str) -> None:
    """Ask the user; return if they agree.

    Raises:
        UsageError: there is no terminal to ask on, or the user does not agree.
    """
    if given:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("this needs your consent, and there is no terminal to ask on", hint=f"add {flag}")
    if not typer.confirm(question, err=True):
        raise UsageError("nothing was done", hint=f"answer y, or add {flag}")
