"""The tables of docs/traces.md."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[1] / "docs" / "traces.md"
_NAME: Final = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class DocumentedSpan:
    """One row of the table of spans."""

    name: str
    kind: str
    attributes: frozenset[str]


def documented_spans() -> dict[str, DocumentedSpan]:
    """The table of spans, by the names that its rows begin with."""
    table = PAGE.read_text().partition("## Spans")[2].partition("## Links")[0]
    spans = {}
    for line in table.splitlines():
        cells = line.split("|")
        if len(cells) == 8 and (names := _NAME.findall(cells[1])):
            spans[names[0]] = DocumentedSpan(names[0], cells[3].strip(), frozenset(_NAME.findall(cells[5])))
    return spans


def proving_tests() -> set[str]:
    """The tests that the page names."""
    return set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
