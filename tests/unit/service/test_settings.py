"""Settings: environment and live changes."""

from dataclasses import fields, replace

import pytest

from service.writebehind.errors import InvalidSettings
from service.writebehind.settings import Settings


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
    names = {f.name.upper() for f in fields(Settings)}
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
    assert set(refused.value.problems) == {"batch_size", "max_retries"}


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
    assert replace(settings, write_coalescing_enabled=False).flush_delay_ms == 1000
