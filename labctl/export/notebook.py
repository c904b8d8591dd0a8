"""An export as a Markdown notebook whose blocks Runme runs, each under a name of its own.

Runme runs each block in a shell of its own, with `set -e -o pipefail`, and hands on what was exported. The
attributes of a block are JSON behind its language: https://docs.runme.dev/configuration/cell-level
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from labctl.export.document import Export
from labctl.export.seen import Note, Said
from labctl.render.text.markdown import escape

_FRONT_MATTER: Final = "---\nshell: bash\n---\n"


def to_notebook(export: Export) -> str:
    """The notebook."""
    return "\n".join(_blocks(export))


def _blocks(export: Export) -> Iterator[str]:
    yield _FRONT_MATTER
    yield f"# {escape(export.title)}\n"
    yield from (f"{escape(paragraph)}\n" for paragraph in (export.summary, *export.origin) if paragraph)
    yield (
        "Run the blocks with Runme, one by one or all in this order: `runme run --all --filename FILE.md`. "
        f"They work on the lab `{export.lab}`, and start it if it is not running. The variables `LAB` and "
        "`RUNTIME` choose another lab, and `local` or `docker`.\n"
    )
    yield "## Set up\n"
    yield _commands("set-up", export.set_up)
    for step in export.steps:
        yield f"## {step.number} of {export.total} · {escape(step.title)}\n"
        yield _commands(_name(step.number, step.title), step.commands)
        yield from _notes(step.notes)
    if export.conclusion:
        yield f"{escape(export.conclusion)}\n"
    if export.cleanup:
        yield from _cleanup(export.cleanup, always=export.is_partial)


def _cleanup(commands: str, *, always: bool) -> Iterator[str]:
    if always:
        yield "## Put the lab in order\n"
        yield _commands("put-in-order", commands)
    else:
        yield "## If a step fails\n"
        yield "This puts the lab in order. A run of all blocks leaves it out.\n"
        yield _commands("put-in-order", commands, excludeFromRunAll="true")


def _notes(notes: Iterable[Note]) -> Iterator[str]:
    for note in notes:
        if isinstance(note, Said):
            yield f"{escape(note.text)}\n"
        else:
            yield _fenced("text", {"excludeFromRunAll": "true"}, "\n".join(note.lines))


def _commands(name: str, commands: str, **attributes: str) -> str:
    own = {"name": name, "interactive": "false", "promptEnv": "false", **attributes}
    return _fenced("sh", own, commands.rstrip("\n"))


def _fenced(language: str, attributes: dict[str, str], content: str) -> str:
    """A block that its content can't end: the fence is longer than any row of backticks in it."""
    longest = max(map(len, re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language} {msgspec.json.encode(attributes).decode()}\n{content}\n{fence}\n"


def _name(number: int, title: str) -> str:
    """ "3-5-more-products": the number makes it unique."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    return "-".join([f"step-{number}", *words])
