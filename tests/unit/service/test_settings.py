"""Settings: environment and live changes."""

from typing import Annotated

import msgspec
import pytest

from service.writebehind.errors import InvalidSettings
from service.writebehind.setting import render, settings_of
from service.writebehind.settings import LIVE_SETTINGS, SETTINGS, Settings


def test_environment_round_trip_keeps_every_field() -> None:
    changed = Settings(
        write_policy="write_through",
        write_coalescing_enabled=False,
        coalescing_window_ms=7,
        failure_rate=0.25,
        overflow_policy="write_through",
        redis_url="redis://somewhere:1/2",
        api_threads=3,
    )
    assert Settings.from_env(changed.to_env()) == changed


def test_environment_names_are_the_contracts() -> None:
    names = {setting.variable for setting in SETTINGS.values()}
    assert names >= {
        "WRITE_POLICY", "WRITE_COALESCING_ENABLED", "COALESCING_WINDOW_MS", "FLUSH_INTERVAL_MS", "BATCH_SIZE",
        "MAX_RETRIES", "RETRY_DELAY_MS", "SIMULATE_DB_FAILURE", "FAILURE_RATE", "MAX_PENDING",
        "OVERFLOW_POLICY", "CACHE_TTL_SECONDS", "REDIS_URL", "DATABASE_URL",
    }  # fmt: skip


def test_unset_and_empty_variables_mean_the_default() -> None:
    assert Settings.from_env({"BATCH_SIZE": ""}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", "0"),
        ("batch_size", "many"),
        ("batch_size", 1.5),
        ("batch_size", float("inf")),
        ("batch_size", float("nan")),
        ("batch_size", True),
        ("failure_rate", "1.01"),
        ("failure_rate", "nan"),
        ("simulate_db_failure", "perhaps"),
        ("write_policy", "write_around"),
        ("overflow_policy", 3),
        ("no_such_thing", "1"),
        ("redis_url", "redis://elsewhere"),
    ],
)
def test_a_live_change_that_makes_no_sense_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings().changed({name: value})
    assert list(refused.value.problems) == [name]


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env({"BATCH_SIZE": "x", "MAX_RETRIES": "-1"})
    assert refused.value.problems == {
        "BATCH_SIZE": "must be a whole number, not 'x'",
        "MAX_RETRIES": "must be from 0 to 100, not -1",
    }


@pytest.mark.parametrize("value", [100, 100.0, "100"])
def test_whole_numbers_may_be_written_as_json_allows(value: object) -> None:
    changed = Settings().changed({"batch_size": value}).batch_size
    assert (changed, type(changed)) == (100, int)


@pytest.mark.parametrize(("text", "value"), [("TRUE", True), ("1", True), ("off", False), (False, False)])
def test_booleans_may_be_words(text: object, value: bool) -> None:
    assert Settings().changed({"simulate_db_failure": text}).simulate_db_failure is value


def test_the_delay_of_a_flush_is_the_window_or_without_coalescing_the_interval() -> None:
    settings = Settings(coalescing_window_ms=500, flush_interval_ms=1000)
    assert settings.flush_delay_ms == 500
    assert msgspec.structs.replace(settings, write_coalescing_enabled=False).flush_delay_ms == 1000


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("nonsense", 1, "is not a setting"),
        ("redis_url", "", "is fixed when the process starts"),
        ("max_pending", 0, "must be from 1 to 100000000, not 0"),
        ("failure_rate", "x", "must be a number, not 'x'"),
        ("simulate_db_failure", 1, "must be true or false, not 1"),
        ("overflow_policy", "drop", "must be one of reject, write_through, not 'drop'"),
    ],
)
def test_the_reason_is_told_in_words(name: str, value: object, why: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings().changed({name: value})
    assert refused.value.problems == {name: why}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_explains_itself(name: str) -> None:
    setting = SETTINGS[name]
    assert setting.description.endswith(".")
    assert setting.range
    assert setting.parse(render(setting.default)) == setting.default


@pytest.mark.parametrize(
    ("name", "range_"),
    [
        ("batch_size", "1 to 5000"),
        ("failure_rate", "0 to 1"),
        ("simulate_db_failure", "true or false"),
        ("overflow_policy", "reject or write_through"),
        ("redis_url", "text"),
    ],
)
def test_a_range_is_told_in_words(name: str, range_: str) -> None:
    assert SETTINGS[name].range == range_


def test_live_settings_are_those_that_a_patch_may_change() -> None:
    for name in SETTINGS:
        changeable = {name: SETTINGS[name].default}
        if name in LIVE_SETTINGS:
            assert Settings().changed(changeable) == Settings()
        else:
            with pytest.raises(InvalidSettings):
                Settings().changed(changeable)


class _Undescribed(msgspec.Struct):
    size: int = 1


class _Listed(msgspec.Struct):
    sizes: Annotated[list[int], msgspec.Meta(description="Sizes.")] = msgspec.field(default_factory=list)


@pytest.mark.parametrize("struct", [_Undescribed, _Listed])
def test_a_field_that_cannot_be_a_setting_is_a_bug(struct: type[msgspec.Struct]) -> None:
    with pytest.raises(TypeError):
        settings_of(struct)
