"""What a measurement depends on."""

import json
from dataclasses import replace

import pytest

from scenarios.preconditions import (
    flush_delay,
    reason_of,
    require_acknowledged,
    require_no_failures,
    require_settings,
)
from stack.errors import Inconclusive
from stack.spec.hints import for_lab
from tests.unit.scenarios.fake_run import fake_run
from tests.unit.scenarios.histories import acknowledged, refused, unknown

PROBLEM = json.dumps(
    {"type": "about:blank", "title": "No such product", "status": 404, "detail": "product a does not exist"}
)


def test_settings_that_are_as_wanted_are_given_back() -> None:
    settings = {"write_policy": "write_behind", "batch_size": 500}
    run = fake_run(settings=settings)
    assert require_settings(run, "nothing waits", write_policy="write_behind") == settings


@pytest.mark.parametrize(
    ("setting", "wanted", "said"), [("write_policy", "write_behind", "write_behind"), ("flag", True, "true")]
)
def test_another_setting_is_named_with_the_command_that_changes_it(
    setting: str, wanted: object, said: str
) -> None:
    run = fake_run(settings={setting: False})
    with pytest.raises(Inconclusive, match=f"{setting}=false, so nothing waits") as error:
        require_settings(run, "nothing waits", **{setting: wanted})
    assert for_lab(error.value.hint, "lab42") == f"change it with `labctl config set {setting}={said}`"


def test_writes_that_were_not_acknowledged_are_counted_with_the_reason() -> None:
    require_acknowledged([acknowledged("a", 1)])
    failed = replace(refused("a"), detail=PROBLEM)
    with pytest.raises(Inconclusive, match="2 of 3 writes were not acknowledged") as error:
        require_acknowledged([acknowledged("a", 1), failed, unknown("a")])
    assert error.value.hint == "No such product: product a does not exist"


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        (PROBLEM, "No such product: product a does not exist"),
        ("connection reset", "connection reset"),
        ("[1]", "[1]"),
        ("", "`labctl logs api` may say why"),
    ],
)
def test_the_reason_is_in_the_words_of_the_service(detail: str, reason: str) -> None:
    assert for_lab(reason_of(replace(refused("a"), detail=detail)), "lab42") == reason


@pytest.mark.parametrize(("coalescing", "delay"), [(True, 500), (False, 1000)])
def test_the_window_rules_with_coalescing_and_the_interval_without(coalescing: bool, delay: int) -> None:
    config = {"coalescing_window_ms": 500, "flush_interval_ms": 1000, "write_coalescing_enabled": coalescing}
    assert flush_delay(config) == delay


def test_a_wait_of_minutes_is_not_begun() -> None:
    config = {"coalescing_window_ms": 90_000, "write_coalescing_enabled": True}
    with pytest.raises(Inconclusive, match="wait for 90 s") as error:
        flush_delay(config)
    assert (
        for_lab(error.value.hint, "lab42") == "shorten it with `labctl config set coalescing_window_ms=500`"
    )


def test_failures_on_purpose_are_named_with_the_command_that_ends_them() -> None:
    steady = {"simulate_db_failure": False, "failure_rate": 0.3}
    assert require_no_failures(steady) == steady
    with pytest.raises(Inconclusive, match="fails 30% of its database writes") as told:
        require_no_failures({**steady, "simulate_db_failure": True})
    assert for_lab(told.value.hint, "lab42") == "end that with `labctl config set simulate_db_failure=false`"
