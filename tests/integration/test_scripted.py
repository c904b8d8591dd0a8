"""Scenarios from files on a running lab: the examples of the documentation, and what others end as."""

from contextlib import closing
from pathlib import Path

import pytest

from labctl.runs.store import Runs
from scenarios.early_end import EarlyEnd
from scenarios.events import Checked, Event, FaultInjected, LoadSampled, Measured, Narrated, StepStarted
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.recheck.recheck import recheck_journal
from scenarios.runner import run_scenario
from scenarios.scripted.file import open_script, read_script
from scenarios.scripted.play import scenario_of
from scenarios.scripted.template import template
from stack.lab import Lab
from stack.state.directory import UNDO_LOGS
from tests.integration.runs import Played, assert_works
from tests.integration.scripted import no_one, play_text

_EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.yaml"))
_AWAY = """\
name: away
title: Away
steps:
  - create: {count: 3}
  - wait: {flushed: true}
  - fault: redis:stop
"""

pytestmark = pytest.mark.usefixtures("mended")


@pytest.mark.slow_in_docker
@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.stem)
def test_examples_end_as_they_predict(lab: Lab, path: Path) -> None:
    scenario = scenario_of(open_script(path), str(path), no_one)
    with Run(lab) as run:
        before = run.probe.live_settings()
    with closing(run_scenario(lab, scenario, Options())) as events:
        played = Played(list(events))
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert len(played.of(StepStarted)) == scenario.steps
    assert all(fault.bit for fault in played.of(FaultInjected))
    with Run(lab) as run:
        assert run.probe.live_settings() == before
    assert not list(lab.directory.glob(UNDO_LOGS))
    rechecked = recheck_journal(Runs(lab.directory.parent).open(path.stem))
    assert (rechecked.result, rechecked.contradictions) == ("same", ())
    assert rechecked.verdict == played.verdict
    assert_works(lab)


@pytest.mark.slow
def test_the_template_does_what_it_says(lab: Lab) -> None:
    played = play_text(lab, template("mine", "schema"))
    assert played.end.outcome == "expected", (played.end, played.failed_checks)


def test_a_wrong_prediction_is_not_as_expected(lab: Lab) -> None:
    text = """\
name: wrong
title: Wrong
steps: [{create: {count: 2, group: g}}]
expect: {fates: {g: {lost: 1}}}
"""
    played = play_text(lab, text)
    assert played.end.outcome == "unexpected"
    assert [(check.claim, check.expected, check.actual) for check in played.failed_checks] == [
        ("g: lost", "1", "0")
    ]


def test_without_a_prediction_a_loss_is_not_as_expected(lab: Lab) -> None:
    text = """\
name: lossy
title: Lossy
steps:
  - settings: {coalescing_window_ms: 5000}
  - create: {count: 3}
  - fault: redis:flushall
"""
    played = play_text(lab, text)
    assert (played.end.outcome, played.verdict.fates["lost"]) == ("unexpected", 3)


def test_a_wait_that_times_out_is_inconclusive(lab: Lab) -> None:
    played = play_text(
        lab, "name: late\ntitle: Late\nsteps: [{wait: {queue: {at_least: 5}, timeout_s: 0.2}}]\n"
    )
    assert played.end.outcome == "inconclusive"
    assert "waiting until at least 5 are queued" in played.end.conclusion


def test_nothing_is_waited_for_where_nothing_was_acknowledged(lab: Lab) -> None:
    text = """\
name: refused
title: Refused
steps:
  - fault: redis:stop
  - create: {count: 1, group: mine}
  - fault: redis:start
  - wait: {rows_of: mine}
"""
    played = play_text(lab, text)
    assert played.end.outcome == "inconclusive"
    assert "no product of 'mine' was acknowledged" in played.end.conclusion


@pytest.mark.slow_in_docker
def test_a_load_is_a_step_and_its_writes_are_judged(lab: Lab) -> None:
    text = """\
name: loaded
title: Loaded
steps:
  - title: Half a second
    load: {kind: basic, duration: 0.5, clients: 2}
  - create: {count: 1, group: after}
expect:
  fates: {all: {lost: 0}, after: {persisted: 1}}
  acknowledgement: {all: {p99_ms: {at_most: 10000}}}
"""
    played = play_text(lab, text)
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert played.of(StepStarted)[0].title == "Half a second"
    assert played.verdict.acknowledged > 1


def _checks(played: Played, claim: str) -> list[bool | None]:
    return [check.passed for check in played.of(Checked) if check.claim == claim]


@pytest.mark.slow_in_docker
def test_totals_after_a_crash_under_a_load_are_not_known(lab: Lab) -> None:
    text = """\
name: crashed
title: Crashed
steps:
  - settings: {coalescing_window_ms: 300}
  - load: {kind: basic, duration: 1.5, rate: 100, fault: ['redis:flushall@700ms']}
  - check: {accepted: {at_least: 0}}
  - create: {count: 1}
  - check: {accepted: 1}
expect:
  fates: {all: {lost: {at_least: 1}}}
  totals: {accepted: {at_least: 0}}
"""
    asked: list[str] = []

    def seen(question: str, choices: object) -> str | None:
        with Run(lab) as run:
            asked.append(run.probe.live_settings().get("coalescing_window_ms", ""))
        return None

    played = play_text(lab, text.replace("  - create", "  - ask: {question: 'Now?'}\n  - create"), seen)
    # The check after the crash, one that begins after it, and the whole run.
    assert _checks(played, "accepted") == [None, True, None]
    assert played.end.outcome == "inconclusive"
    assert asked == ["300"], "the script's settings went with the memory of Redis"


@pytest.mark.slow_in_docker
@pytest.mark.parametrize(
    ("rest", "outcome", "conclusion", "checked"),
    [
        ("  - check: {accepted: 3}\n", "inconclusive", "Redis does not answer", []),
        (
            "expect: {validity: unknown, totals: {accepted: 3}}\n",
            "expected",
            "2 of 3 predictions can't be checked, as predicted",
            [None],
        ),
    ],
    ids=["by a check", "at the end"],
)
def test_totals_that_redis_can_not_tell_are_not_known(
    lab: Lab, rest: str, outcome: str, conclusion: str, checked: list[bool | None]
) -> None:
    played = play_text(lab, _AWAY + rest)
    assert played.end.outcome == outcome
    assert conclusion in played.end.conclusion
    assert _checks(played, "accepted") == checked


def test_a_load_that_was_ended_early_ends_the_script(lab: Lab) -> None:
    text = """\
name: early
title: Early
steps:
  - load: {kind: basic, duration: 30, rate: 20}
  - load: {kind: basic, duration: 30, rate: 20}
"""
    early = EarlyEnd()
    scenario = scenario_of(read_script(text), "./early.yaml", no_one)
    seen: list[Event] = []
    with closing(run_scenario(lab, scenario, Options(), early)) as events:
        for event in events:
            seen.append(event)
            if isinstance(event, LoadSampled):
                early.request()
    played = Played(seen)
    assert played.end.outcome == "inconclusive"
    assert "ended early" in played.end.conclusion
    assert len(played.of(StepStarted)) == 1


def test_an_answer_is_part_of_the_run_and_no_answer_is_noted(lab: Lab) -> None:
    text = """\
name: asking
title: Asking
steps:
  - create: {}
  - ask: {question: 'How many?', choices: [one, two]}
"""
    played = play_text(lab, text, lambda question, choices: choices[1])
    assert [m.value for m in played.of(Measured) if m.label == "How many?"] == ["two"]
    played = play_text(lab, text)
    assert any(told.text.endswith("How many?") for told in played.of(Narrated))
    assert played.end.outcome == "expected"
