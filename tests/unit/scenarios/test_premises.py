"""What a measurement rests on."""

import json
from dataclasses import replace

import pytest

from scenarios.premises import reason_of, require_acknowledged, require_settings
from stack.errors import Inconclusive
from tests.unit.scenarios.fake_lab import fake_lab
from tests.unit.scenarios.histories import acknowledged, refused, unknown

PROBLEM = json.dumps(
    {"type": "about:blank", "title": "No such product", "status": 404, "detail": "product a does not exist"}
)


def test_settings_that_are_as_wanted_are_given_back() -> None:
    settings = {"write_policy": "write_behind", "batch_size": 500}
    lab = fake_lab(settings=settings)
    assert require_settings(lab, "nothing waits", write_policy="write_behind") == settings


@pytest.mark.parametrize(
    ("setting", "wanted", "said"), [("write_policy", "write_behind", "write_behind"), ("flag", True, "true")]
)
def test_another_setting_is_named_with_the_command_that_changes_it(
    setting: str, wanted: object, said: str
) -> None:
    lab = fake_lab(settings={setting: False})
    with pytest.raises(Inconclusive, match=f"{setting}=false, so nothing waits") as error:
        require_settings(lab, "nothing waits", **{setting: wanted})
    assert error.value.hint == f"labctl config set {setting}={said}"


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
        ("", "see `labctl logs api`"),
    ],
)
def test_the_reason_is_in_the_words_of_the_service(detail: str, reason: str) -> None:
    assert reason_of(replace(refused("a"), detail=detail)) == reason
