"""An export as a bash script. What was seen becomes comments, which no text of a journal can leave."""

import textwrap
from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Final

from labctl.export.document import Export, ExportedStep
from labctl.export.seen import Note, Said

_WIDTH: Final = 100
_CLEANUP: Final = "put_in_order"


def to_shell(export: Export) -> str:
    """The script, for bash 3.2 or newer."""
    return "\n".join([*_lines(export), ""])


def _lines(export: Export) -> Iterator[str]:
    yield "#!/usr/bin/env bash"
    yield "#"
    for paragraph in (export.title, export.summary, *export.origin):
        yield from _comment(paragraph)
        yield "#"
    yield from _comment(f"It runs on the lab {export.lab}, and starts it if it is not running.")
    yield from _comment("The variables LAB and RUNTIME choose another lab, and `local` or `docker`.")
    if any(step.notes for step in export.steps):
        yield from _comment("Lines that begin with #> are what was seen in that run.")
    yield ""
    yield "set -euo pipefail"
    yield ""
    yield export.set_up
    if export.cleanup:
        yield "# However the script ends, the lab works again afterwards."
        yield from _function(_CLEANUP, export.cleanup)
        yield f"trap {_CLEANUP} EXIT\n"
    for step in export.steps:
        yield from _step(step, export.total)
    if export.cleanup and not export.is_partial:
        yield "# All steps are done, and nothing is left to put in order."
        yield "trap - EXIT"
    if export.conclusion:
        yield from _comment(export.conclusion)


def _function(name: str, commands: str) -> Iterator[str]:
    yield f"{name}() {{"
    yield "  set +e"
    yield from (f"  {line}" for line in commands.splitlines())
    yield "}"


def _step(step: ExportedStep, total: int) -> Iterator[str]:
    yield f"echo {quote(f'== {step.number} of {total}: {step.title}')}"
    yield step.commands.rstrip("\n")
    yield from _notes(step.notes)
    yield ""


def _notes(notes: Iterable[Note]) -> Iterator[str]:
    for note in notes:
        if isinstance(note, Said):
            yield from _comment(note.text)
        else:
            yield from (f"#> {line}".rstrip() for line in note.lines)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
