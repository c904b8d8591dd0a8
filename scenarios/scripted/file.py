"""A scenario file, read and checked as a whole."""

from pathlib import Path
from typing import Final

from scenarios.scripted.document import parse, read_text
from scenarios.scripted.meaning import check_meaning
from scenarios.scripted.problem import Problems
from scenarios.scripted.reader import Reading, read
from scenarios.scripted.script import Script
from stack.errors import UsageError
from stack.spec.hints import labctl

#: A message with more of them would not be read.
_SHOWN: Final = 10


def read_script(text: str) -> Script:
    """The scenario in a text.

    Raises:
        Problems: all that is wrong with it.
    """
    reading = Reading()
    script: Script = read(parse(text), Script, reading)
    problems = reading.problems or check_meaning(script, reading.marks)
    if problems:
        raise Problems(problems)
    return script


def open_script(path: Path) -> Script:
    """The scenario in a file.

    Raises:
        UsageError: it can't be read, or something is wrong with it; the message says what, and where.
    """
    try:
        return read_script(read_text(path))
    except Problems as error:
        lines = [problem.located(str(path)) for problem in error.found[:_SHOWN]]
        if len(error.found) > _SHOWN:
            lines.append(f"and {len(error.found) - _SHOWN} more")
        raise UsageError(
            f"{path} is not a scenario:\n" + "\n".join(lines),
            hint=f"correct the file; {labctl(f'scenario lint {path}')} checks it again",
        ) from error
