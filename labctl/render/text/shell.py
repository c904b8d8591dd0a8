"""Shell commands laid out for a narrow screen, so that what is shown can still be pasted."""

import re
import shlex
from typing import Final

#: A word with its quoted parts, whose spaces do not separate words.
_WORD: Final = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:\\.|[^"\\])*")+""")
_INDENT: Final = "    "


def prompted(script: str) -> list[tuple[str, str]]:
    """The lines of a script, each after the prompt that a shell shows there: "$ " before a command, spaces
    before a line that continues one. Lines that end in a backslash are joined with the next."""
    lines = re.sub(r"\\\n\s*", "", script).splitlines()
    return [("  " if line.startswith((" ", "done", "}")) else "$ ", line) for line in lines]


def wrap_command(command: str, width: int) -> list[str]:
    """Lines of one command, of at most `width` columns where that can be done, continued with a backslash.

    Lines are broken between words; a quoted word that is too long for a line of its own is broken
    where neither JSON nor SQL minds.
    """
    if len(command) <= width or not _is_whole(command):
        return [command]
    lead = command[: len(command) - len(command.lstrip())]
    lines: list[str] = []
    current = lead
    for word in _clauses(_WORD.findall(command)):
        extended = f"{current} {word}" if current.strip() else f"{current}{word}"
        if len(extended) + len(" \\") > width and current.strip():
            lines.append(f"{current} \\")
            extended = f"{lead}{_INDENT}{word}"
        current = extended
        if len(current) > width:
            *full, current = _break_quoted(current, width, f"{lead}{_INDENT}  ")
            lines.extend(full)
    return [*lines, current] if current.strip() else lines


def _is_whole(command: str) -> bool:
    """Whether every quote is closed; if not, it can't be known where the line may be broken."""
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


def _clauses(words: list[str]) -> list[str]:
    """An option and its argument stay together: `-X POST`, `-H '…'`; so do a program and its first word."""
    clauses: list[str] = []
    for word in words:
        # A line that holds only a program's name says nothing.
        if len(clauses) == 1 and " " not in clauses[0]:
            clauses[0] += f" {word}"
        elif clauses and re.fullmatch(r"-[A-Za-z]", clauses[-1]) and not word.startswith("-"):
            clauses[-1] += f" {word}"
        else:
            clauses.append(word)
    return clauses


def _break_quoted(text: str, width: int, indent: str) -> list[str]:
    if not text.endswith(("'", '"')):
        return [text]
    lines: list[str] = []
    while len(text) > width:
        cut = _gap(text, width, after=len(indent))
        if cut < 0:
            break
        lines.append(text[:cut])
        text = indent + text[cut + 1 :]
    return [*lines, text]


def _gap(text: str, width: int, *, after: int) -> int:
    """Index of the last space where a line break changes nothing: between the members of JSON in single
    quotes, or between the words of SQL in double quotes. -1 if no space qualifies."""
    separator, inner = (", ", '"') if text.endswith("'") else (" ", "'")
    cut = text.rfind(separator, after, width)
    while cut >= 0 and text.count(inner, 0, cut) % 2:
        cut = text.rfind(separator, after, cut)
    return cut + len(separator) - 1 if cut >= 0 else -1
