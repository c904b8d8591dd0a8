"""The live settings as tables: what each is now and can be, and what it does."""

from collections.abc import Mapping

from scenarios.events import TableShown
from service.writebehind.setting import render
from service.writebehind.settings import LIVE_SETTINGS


def setting_tables(values: Mapping[str, object]) -> tuple[TableShown, TableShown]:
    """Value, default and range of each live setting; then the meaning of each. In one table they would need
    more than 100 columns.

    Args:
        values: The values in force by name, as /admin/config answers them; other members are left out.
    """
    rows = tuple(
        (
            setting.variable,
            render(values[name]) if name in values else "-",
            render(setting.default),
            setting.range,
        )
        for name, setting in LIVE_SETTINGS.items()
    )
    meanings = tuple((setting.variable, setting.description) for setting in LIVE_SETTINGS.values())
    return (
        TableShown("settings", "", ("setting", "value", "default", "range"), rows),
        TableShown("meanings", "", ("setting", "what it does"), meanings),
    )
