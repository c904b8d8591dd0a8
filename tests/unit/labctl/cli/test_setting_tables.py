"""What `labctl config show` tells of the settings."""

from labctl.cli.setting_tables import setting_tables
from service.writebehind.settings import LIVE_SETTINGS, Settings

VARIABLES = [setting.variable for setting in LIVE_SETTINGS.values()]


def test_each_live_setting_has_its_value_default_range_and_meaning() -> None:
    values = {**Settings(batch_size=7, simulate_db_failure=True).live(), "queue_size": 3}
    shown, meanings = setting_tables(values)
    rows = {row[0]: row[1:] for row in shown.rows}
    assert list(rows) == VARIABLES
    assert rows["BATCH_SIZE"] == ("7", "500", "1 to 5000")
    assert rows["SIMULATE_DB_FAILURE"] == ("true", "false", "true or false")
    assert [row[0] for row in meanings.rows] == VARIABLES
    assert ("BATCH_SIZE", LIVE_SETTINGS["batch_size"].description) in meanings.rows


def test_what_an_older_api_does_not_answer_is_a_dash() -> None:
    assert {row[1] for row in setting_tables({})[0].rows} == {"-"}
