"""All metrics, spans and panels in one table, made from the pages that describe each of them:

python -m tests.observed > docs/observability.md
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = DOCS / "observability.md"
#: Kind, page, and how the head of its table begins. A row's first cell names it, the last one the test.
_TABLES: Final = (
    ("metric", "metrics.md", "| metric |"),
    ("span", "traces.md", "| span |"),
    ("on a span", "traces.md", "| what | on |"),
    ("panel", "dashboards.md", "| panel |"),
)
_HEAD: Final = """# What can be observed

Every metric, span and panel of the lab, with the test that proves it. [metrics.md](metrics.md),
[traces.md](traces.md) and [dashboards.md](dashboards.md) say what each of them means, and
`python -m tests.observed` writes this page from them. Alerts are played by promtool
(`test_alerts_are_raised_when_they_should_be_and_only_then`).

| kind | name | test |
| --- | --- | --- |
"""


def render() -> str:
    """The page."""
    lines = (
        f"| {kind} | {name} | {test} |\n" for kind, page, head in _TABLES for name, test in _rows(page, head)
    )
    return _HEAD + "".join(lines)


def _rows(page: str, head: str) -> Iterator[tuple[str, str]]:
    """First and last cell of each row of the table that begins with this head."""
    below = (DOCS / page).read_text(encoding="utf-8").partition(f"\n{head}")[2].splitlines()[2:]
    for line in below:
        if not line.startswith("|"):
            return
        cells = line.strip("| ").split(" | ")
        yield cells[0].strip(), cells[-1].strip()


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201 - this is what it is for
