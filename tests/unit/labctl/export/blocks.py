"""The blocks of a notebook, found by a CommonMark parser, as Runme finds them."""

import json
from dataclasses import dataclass

from markdown_it import MarkdownIt


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code."""

    language: str
    attributes: dict[str, str]
    content: str

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")


def blocks_of(notebook: str) -> list[Block]:
    """All blocks, fenced or indented, wherever they stand."""
    _, _, body = notebook.removeprefix("---\n").partition("\n---\n")
    found = []
    for token in MarkdownIt().parse(body):
        if token.type in ("fence", "code_block"):
            language, _, attributes = token.info.partition(" ")
            found.append(Block(language, json.loads(attributes or "{}"), _normal(token.content)))
    return found


def _normal(content: str) -> str:
    """Runme takes a prompt from the beginning of each line, and spaces from its end."""
    return "".join(f"{line.lstrip('$').rstrip()}\n" for line in content.splitlines())


def run_by_all(notebook: str) -> list[Block]:
    """The blocks that `runme run --all` runs, in order: those with a name, unless they are left out."""
    return [
        block
        for block in blocks_of(notebook)
        if block.name and block.attributes.get("excludeFromRunAll") != "true"
    ]
