"""The README's table of settings: `python -m service.settings_table README.md` writes it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.writebehind.setting import Setting, render
from service.writebehind.settings import LIVE_SETTINGS, SETTINGS

#: Between these lines of a document stands the table.
_BEGIN: Final = "<!-- settings: written by `python -m service.settings_table README.md` -->\n"
_END: Final = "<!-- end of settings -->\n"
_BETWEEN: Final = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)


def table() -> str:
    """Every setting as a row of a Markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in _rows())


def written_into(document: str) -> str:
    """The document with the table between its marks.

    Raises:
        ValueError: the document has no such marks.
    """
    if not _BETWEEN.search(document):
        raise ValueError("there is no place for the table of settings")
    return _BETWEEN.sub(lambda _: table(), document)


def _rows() -> Iterator[tuple[str, ...]]:
    yield "setting", "default", "range", "live", "what it does"
    yield "---", "---", "---", "---", "---"
    for name, setting in SETTINGS.items():
        yield _row(setting, live=name in LIVE_SETTINGS)


def _row(setting: Setting, *, live: bool) -> tuple[str, ...]:
    default = f"`{render(setting.default)}`"
    return f"`{setting.variable}`", default, setting.range, "yes" if live else "", setting.description


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(written_into(path.read_text(encoding="utf-8")), encoding="utf-8")
