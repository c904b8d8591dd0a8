"""The JSON Schema of a journal's lines, made from `scenarios.journal.lines`.

`python -m scenarios.journal.schema` prints it; it lies in `journal.schema.json` beside this file.
"""

import sys
from importlib.resources import files
from typing import Any, Final

import msgspec

from scenarios.journal.lines import AnyLine

FILE: Final = "journal.schema.json"


def schema() -> dict[str, Any]:
    """The schema of one line."""
    (line,), components = msgspec.json.schema_components([AnyLine], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a run's journal",
        **line,
        "$defs": components,
    }


def text() -> str:
    """The schema as the file has it."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def installed() -> str:
    """What is in the file."""
    return (files("scenarios.journal") / FILE).read_text()


if __name__ == "__main__":
    sys.stdout.write(text())
