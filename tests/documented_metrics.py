"""The table of metrics in the docs, and the same of what is exported."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

PAGE: Final = Path(__file__).parents[1] / "docs" / "metrics.md"
_ROW: Final = re.compile(r"\| `(write_behind_\w+)` \|(.*)\|")


@dataclass(frozen=True, slots=True)
class Documented:
    """One metric."""

    name: str
    type: str
    #: In alphabetical order.
    labels: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    metric: Documented
    origin: str
    test: str


def rows() -> Iterator[Row]:
    """The rows of the table."""
    for name, rest in _ROW.findall(PAGE.read_text()):
        origin, kind, labels, _, meaning, test = (cell.strip() for cell in rest.split("|"))
        names = tuple(sorted(re.findall(r"`(\w+)`", labels)))
        yield Row(Documented(name, kind, names, meaning), origin, test.strip("`"))


def exported(text: str) -> set[Documented]:
    """What metrics in the text format say of themselves."""
    return {
        Documented(
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            tuple(sorted({name for sample in family.samples for name in sample.labels} - {"le"})),
            family.documentation,
        )
        for family in text_string_to_metric_families(text)
    }
