"""Predictions against what was measured: passed, failed, and not known."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from scenarios.events import Checked
from scenarios.judge.checks.fates import Class, Judged
from scenarios.judge.checks.result import Validity
from scenarios.judge.final_read import Findings
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag
from scenarios.judge.verdict import Verdict
from scenarios.load.sampling import Increases
from scenarios.scripted.expectations import check_expectations
from scenarios.scripted.fates_by_group import FatesByGroup
from scenarios.scripted.file import read_script
from scenarios.scripted.plan import plan_of
from scenarios.scripted.play import conclude, scenario_of
from scenarios.scripted.script import Script
from tests.unit.scenarios.histories import acknowledged, judged, row
from tests.unit.scenarios.scripted.files import GOOD

_VERDICT = judged([acknowledged("a", 1)], Findings(rows={"a": row(1)}))


def _script(expect: str) -> Script:
    steps = "steps: [{create: {group: kept}}, {create: {group: gone}}]"
    return read_script(f"name: x\ntitle: X\n{steps}\nexpect: {expect}\n")


def _tally() -> FatesByGroup:
    """Three writes of `kept`, acknowledged after 10, 20 and 30 ms, and persisted; one of `gone`, lost."""
    tally = FatesByGroup()
    for version in (1, 2, 3):
        tally.add(*_write(version, "kept", "persisted", 10.0 * version))
    tally.add(*_write(4, "gone", "lost", 400.0))
    return tally


def _write(version: int, group: str, fate: Class, ms: float) -> tuple[Write, Judged, Lag | None]:
    """A write that was acknowledged after `ms` and, if it was, persisted after ten times that."""
    write = replace(acknowledged("a", version), group=group, latency_ms=ms)
    one = Judged(product="a", version=version, group=group, label="a", fate=fate)
    return write, one, Lag(write, 10 * ms, 1.0) if fate == "persisted" else None


def _increases(*looks: dict[str, int]) -> Increases:
    increases = Increases({})
    for look in looks:
        increases.look(look)
    return increases


def _results(
    expect: str, verdict: Verdict = _VERDICT, increases: Increases | None = None
) -> list[bool | None]:
    totals = increases or _increases({"coalesced": 5})
    checks = list(check_expectations(_script(expect).expect, verdict, _tally(), totals))
    return [check.passed for check in checks]


@pytest.mark.parametrize(
    ("expect", "passed"),
    [
        ("{fates: {kept: {persisted: 3}}}", True),
        ("{fates: {kept: {persisted: 2}}}", False),
        ("{fates: {kept: {persisted: {at_least: 3}}}}", True),
        ("{fates: {kept: {persisted: {at_least: 4}}}}", False),
        ("{fates: {kept: {persisted: {at_most: 3}}}}", True),
        ("{fates: {kept: {persisted: {at_most: 2}}}}", False),
        ("{fates: {kept: {lost: 0}}}", True),
        ("{fates: {gone: {lost: 1}}}", True),
        ("{fates: {all: {lost: 1}}}", True),
        ("{fates: {all: {persisted: 4}}}", False),
        ("{}", False),
        ("{fates: {all: {lost: 1}}, refused: 0}", True),
        ("{fates: {all: {lost: 1}}, refused: 1}", False),
        ("{fates: {all: {lost: 1}}, unknown: {at_least: 1}}", False),
        ("{fates: {all: {lost: 1}}, totals: {coalesced: 5}}", True),
        ("{fates: {all: {lost: 1}}, totals: {coalesced: {at_most: 4}}}", False),
        ("{fates: {all: {lost: 1}}, totals: {batches: 0}}", True),
        ("{fates: {all: {lost: 1}}, acknowledgement: {kept: {p50_ms: {at_most: 21}}}}", True),
        ("{fates: {all: {lost: 1}}, acknowledgement: {kept: {p50_ms: {at_most: 19}}}}", False),
        ("{fates: {all: {lost: 1}}, acknowledgement: {kept: {max_ms: {at_most: 31}}}}", True),
        ("{fates: {all: {lost: 1}}, acknowledgement: {all: {max_ms: {at_most: 31}}}}", False),
        ("{fates: {all: {lost: 1}}, persist_lag: {kept: {max_ms: {at_least: 299, at_most: 301}}}}", True),
        ("{fates: {all: {lost: 1}}, persist_lag: {gone: {max_ms: {at_most: 301}}}}", None),
    ],
)
def test_a_prediction_holds_or_not_or_is_not_known(expect: str, passed: bool | None) -> None:
    first, *others, last = _results(expect)
    assert first is True
    assert (last, set(others)) == (passed, {True} if others else set())


def test_what_is_shown_as_expected_is_what_is_checked() -> None:
    script = read_script(GOOD)
    shown = [one for one in plan_of(script).expected if "on the way" not in one[0]]
    checks = check_expectations(script.expect, _VERDICT, _tally(), _increases())
    assert [(check.claim, check.expected) for check in checks] == shown
    assert len(shown) == 10


def test_totals_that_can_not_be_read_are_not_known() -> None:
    script = _script("{totals: {coalesced: 5, batches: 0}}")
    *_, first, second = check_expectations(script.expect, _VERDICT, _tally(), None)
    assert (first.passed, second.passed) == (None, None)
    assert first.actual == "not read: Redis does not answer"


def test_totals_that_redis_forgot_are_not_known() -> None:
    restarted = _increases({"coalesced": 5}, {"coalesced": 1})
    assert _results("{fates: {all: {lost: 1}}, totals: {coalesced: 6}}", increases=restarted)[-1] is None


def test_no_fate_is_certain_if_something_could_not_be_read() -> None:
    away = judged([acknowledged("a", 1)], Findings(unread={"rows": "away"}))
    assert _results("{fates: {kept: {lost: 0}}}", away) == [None, None]


@pytest.mark.parametrize(
    ("lost", "passed"),
    [
        ("0", False),
        ("{at_most: 2}", False),
        ("{at_most: 3}", None),
        ("3", None),
        ("4", None),
        ("{at_least: 3}", None),
        ("{at_least: 5}", None),
    ],
)
def test_a_write_of_unknown_fate_can_only_raise_a_count(lost: str, passed: bool | None) -> None:
    tally = FatesByGroup()
    fates: tuple[Class, ...] = ("lost", "lost", "lost", "undetermined")
    for version, fate in enumerate(fates, 1):
        tally.add(*_write(version, "gone", fate, 1.0))
    script = _script(f"{{fates: {{gone: {{lost: {lost}}}}}}}")
    verdict = replace(_VERDICT, validity="unknown")
    checks = list(check_expectations(script.expect, verdict, tally, _increases()))
    assert [check.passed for check in checks] == [None, passed]
    assert conclude(script, verdict, checks).outcome == ("inconclusive" if passed is None else "unexpected")


@pytest.mark.parametrize(
    ("expected", "found", "checks", "outcome"),
    [
        ("valid", "valid", [True, True], "expected"),
        ("valid", "valid", [True, False], "unexpected"),
        ("valid", "valid", [True, None], "inconclusive"),
        ("valid", "valid", [False, None], "unexpected"),
        ("valid", "unknown", [None, True], "inconclusive"),
        ("valid", "unknown", [None, False], "unexpected"),
        ("valid", "invalid", [False, True], "unexpected"),
        ("invalid", "invalid", [True], "expected"),
        ("unknown", "unknown", [True, None], "expected"),
        ("unknown", "valid", [False], "unexpected"),
    ],
)
def test_the_outcome(expected: str, found: Validity, checks: Sequence[bool | None], outcome: str) -> None:
    script = _script(f"{{validity: {expected}}}")
    told = [Checked("claim", "1", "2", passed) for passed in checks]
    assert conclude(script, replace(_VERDICT, validity=found), told).outcome == outcome


def test_a_scenario_says_how_it_was_typed_and_how_many_steps_it_has() -> None:
    text = """\
name: x
title: X
steps: [{narrate: Hello.}, {create: {group: g}}, {fault: 'postgres:stop'}, {fault: 'postgres:start'}]
cleanup: [{delete: {of: g}}]
"""
    ask: Any = lambda question, choices: None  # noqa: E731
    scenario = scenario_of(read_script(text), "./x.yaml", ask)
    assert (scenario.command, scenario.steps, scenario.gives_up) == ("demo ./x.yaml", 5, False)
    assert scenario.summary == "A scenario of 5 steps, from ./x.yaml."
    assert scenario_of(_script("{}"), "./x.yaml", ask).gives_up
