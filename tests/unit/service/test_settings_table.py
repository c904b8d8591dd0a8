"""The README's table of settings."""

from pathlib import Path

import pytest

from service.settings_table import table, written_into
from service.writebehind.settings import SETTINGS

README = Path(__file__).parents[3] / "README.md"


def test_the_readme_holds_the_table_as_written() -> None:
    text = README.read_text(encoding="utf-8")
    assert written_into(text) == text, "run: python -m service.settings_table README.md"


def test_every_setting_has_a_row() -> None:
    rows = table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [setting.variable for setting in SETTINGS.values()]
    assert all(row.count("|") == 6 for row in rows)


def test_a_document_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        written_into("# Nothing here\n")
