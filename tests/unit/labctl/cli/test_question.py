"""Questions to whoever watches."""

import io
import sys
from collections.abc import Sequence

import pytest

from labctl.cli.question import asker


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _type(monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO) -> _Terminal:
    """What is shown goes into the result."""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "stdout", terminal)
    return terminal


@pytest.mark.parametrize(
    ("typed", "choices", "answer"),
    [
        ("five\n", (), "five"),
        ("  \x1b[2Jfive \n", (), "[2Jfive"),
        ("x" * 300 + "\n", (), "x" * 200),
        ("\n", (), None),
        ("", (), None),
        ("2\n", ("one", "two"), "two"),
        ("two\n", ("one", "two"), "two"),
        ("3\n0\n²\nthree\n1\n", ("one", "two"), "one"),
        ("3\n", ("one", "two"), None),
    ],
)
def test_an_answer_is_text_or_one_of_the_choices(
    monkeypatch: pytest.MonkeyPatch, typed: str, choices: Sequence[str], answer: str | None
) -> None:
    shown = _type(monkeypatch, _Terminal(typed))
    assert asker(silent=False)("How many?", choices) == answer
    assert "How many?" in shown.getvalue()
    assert all(choice in shown.getvalue() for choice in choices)


@pytest.mark.parametrize(("stdin", "silent"), [(io.StringIO("five\n"), False), (_Terminal("five\n"), True)])
def test_without_a_terminal_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO, silent: bool
) -> None:
    shown = _type(monkeypatch, stdin)
    assert asker(silent=silent)("How many?", ()) is None
    assert shown.getvalue() == ""
