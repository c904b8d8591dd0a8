"""The rules of the lab's Prometheus, as promtool plays them: rules.test.yml says what is tried."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from stack.package_files import asset_path
from tests.promtool import promtool

_CASES: Final = Path(__file__).with_name("rules.test.yml")
_RULES: Final = asset_path("assets/prometheus/rules.yml")


def test_the_configuration_and_its_rules_are_valid() -> None:
    done = promtool("check", "config", str(asset_path("assets/prometheus/prometheus.yml")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_are_raised_when_they_should_be_and_only_then() -> None:
    done = promtool("test", "rules", str(_CASES))
    assert done.returncode == 0, done.stdout + done.stderr


def _rules(kind: str) -> set[str]:
    groups = yaml.safe_load(_RULES.read_text())["groups"]
    return {rule[kind] for group in groups for rule in group["rules"] if kind in rule}


def _cases(kind: str) -> list[dict[str, Any]]:
    tests = yaml.safe_load(_CASES.read_text())["tests"]
    return [case for test in tests for case in test.get(kind, ())]


@pytest.mark.parametrize("name", sorted(_rules("alert")))
def test_every_alert_is_seen_raised_and_silent(name: str) -> None:
    raised = {bool(case["exp_alerts"]) for case in _cases("alert_rule_test") if case["alertname"] == name}
    assert raised == {True, False}


def test_every_recorded_series_is_compared_with_its_value() -> None:
    compared = {case["expr"] for case in _cases("promql_expr_test") if case["exp_samples"]}
    assert _rules("record") <= compared
