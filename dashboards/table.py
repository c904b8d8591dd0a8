"""The table of panels in the documentation.

Example:
    python -m dashboards.table docs/dashboards.md
"""

import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.write_behind import build

_BEGIN: Final = "<!-- panels: written by `python -m dashboards.table docs/dashboards.md` -->\n"
_END: Final = "<!-- end of panels -->\n"
#: What proves that a panel shows something, and what proves more, by panel.
_TEST: Final = "test_every_panel_shows_something_of_a_lab_under_load"
_TESTS: Final = {"Failed Writes (Data Loss)": "test_what_redis_loses_with_its_memory_is_counted"}


def table() -> str:
    """Each panel with its queries."""
    rows = ["| panel | what it shows | queries | test |", "| --- | --- | --- | --- |"]
    for panel in build().panels or ():
        if isinstance(panel, Panel):
            queries = [getattr(target, "expr", "") for target in panel.targets or ()]
            cells = "<br>".join(f"`{query}`".replace("|", "\\|") for query in queries)
            test = _TESTS.get(str(panel.title), _TEST)
            rows.append(f"| *{panel.title}* | {panel.description} | {cells} | `{test}` |")
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """The page with the table as it is now."""
    before, rest = page.split(_BEGIN)
    return before + _BEGIN + table() + _END + rest.split(_END)[1]


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text()))
