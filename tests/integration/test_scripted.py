"""Scenarios from files on a running lab: the examples of the documentation, and what happens if one is cut
short."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from labctl.runs.store import Runs
from scenarios.early_end import EarlyEnd
from scenarios.events import Checked, Event, FaultInjected, LoadSampled, Measured, Narrated, StepStarted
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.recheck.recheck import recheck_journal
from scenarios.runner import run_scenario
from scenarios.scripted.asker import Asker
from scenarios.scripted.file import open_script, read_script
from scenarios.scripted.play import scenario_of
from scenarios.scripted.template import template
from stack.converge.restore import tend
from stack.errors import NotRunning
from stack.lab import Lab
from stack.state.directory import UNDO_LOGS
from stack.wait import wait_until
from tests.integration.runs import Played, assert_works

_EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.yaml"))
_CHANGES = """\
name: cut-short
title: Cut short
steps:
  - settings: {coalescing_window_ms: 20000}
  - create: {count: 2, group: mine, name: Mine}
  - fault: worker:stop
  - wait: {queue: 1000, timeout_s: 60}
cleanup:
  - delete: {of: mine}
"""


def _no_one(question: str, choices: object) -> str | None:
    return None


def _play(lab: Lab, text: str, ask: Asker = _no_one) -> Played:
    with closing(run_scenario(lab, scenario_of(read_script(text), "./mine.yaml", ask), Options())) as events:
        return Played(list(events))


@pytest.fixture(autouse=True)
def _up(lab: Lab) -> Iterator[None]:
    list(lab.up())
    yield
    list(lab.up())


@pytest.mark.slow_in_docker
@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.stem)
def test_examples_end_as_they_predict(lab: Lab, path: Path) -> None:
    scenario = scenario_of(open_script(path), str(path), _no_one)
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
    played = _play(lab, template("mine", "schema"))
    assert played.end.outcome == "expected", (played.end, played.failed_checks)


def test_a_wrong_prediction_is_not_as_expected(lab: Lab) -> None:
    text = """\
name: wrong
title: Wrong
steps: [{create: {count: 2, group: g}}]
expect: {fates: {g: {lost: 1}}}
"""
    played = _play(lab, text)
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
    played = _play(lab, text)
    assert (played.end.outcome, played.verdict.fates["lost"]) == ("unexpected", 3)


def test_a_wait_that_times_out_is_inconclusive(lab: Lab) -> None:
    played = _play(lab, "name: late\ntitle: Late\nsteps: [{wait: {queue: {at_least: 5}, timeout_s: 0.2}}]\n")
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
    played = _play(lab, text)
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
    played = _play(lab, text)
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

    played = _play(lab, text.replace("  - create", "  - ask: {question: 'Now?'}\n  - create"), seen)
    # The check after the crash, one that begins after it, and the whole run.
    assert _checks(played, "accepted") == [None, True, None]
    assert played.end.outcome == "inconclusive"
    assert asked == ["300"], "the script's settings went with the memory of Redis"


@pytest.mark.slow_in_docker
def test_a_check_while_redis_is_away_is_not_passed_on_old_figures(lab: Lab) -> None:
    text = """\
name: away
title: Away
steps:
  - create: {count: 3}
  - wait: {flushed: true}
  - fault: redis:stop
  - check: {accepted: 3}
"""
    played = _play(lab, text)
    assert played.end.outcome == "inconclusive"
    assert "Redis does not answer" in played.end.conclusion
    assert not _checks(played, "accepted")


@pytest.mark.slow_in_docker
def test_totals_that_can_not_be_read_at_the_end_are_not_known(lab: Lab) -> None:
    text = """\
name: gone
title: Gone
steps:
  - create: {count: 3}
  - wait: {flushed: true}
  - fault: redis:stop
expect:
  validity: unknown
  totals: {accepted: 3}
"""
    assert _checks(_play(lab, text), "accepted") == [None]


def test_a_load_that_was_ended_early_ends_the_script(lab: Lab) -> None:
    text = """\
name: early
title: Early
steps:
  - load: {kind: basic, duration: 30, rate: 20}
  - load: {kind: basic, duration: 30, rate: 20}
"""
    early = EarlyEnd()
    scenario = scenario_of(read_script(text), "./early.yaml", _no_one)
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


@pytest.mark.parametrize("cut_short", [False, True], ids=["at the end", "after a failure"])
def test_a_clean_up_that_fails_leaves_the_others_and_the_conclusion(lab: Lab, *, cut_short: bool) -> None:
    late = "  - wait: {queue: 1000, timeout_s: 0.1}\n" if cut_short else ""
    text = f"""\
name: untidy
title: Untidy
steps:
  - create: {{count: 2, group: mine}}
  - wait: {{rows_of: mine}}
{late}cleanup:
  - dead_letters: requeue
  - delete: {{of: mine}}
"""

    def refuse(client: Client) -> dict[str, int]:
        raise NotRunning("it does not answer", hint="")

    with pytest.MonkeyPatch.context() as patch, Run(lab) as run:
        patch.setattr(Client, "requeue_dead_letters", refuse)
        scenario = scenario_of(read_script(text), "./x.yaml", _no_one)
        deleted = _deleted(run)
        with closing(run_scenario(lab, scenario, Options())) as events:
            played = Played(list(events))
        assert _deleted(run) == deleted + 2
    assert played.end.outcome == ("inconclusive" if cut_short else "expected")
    told = [event.text for event in played.of(Narrated) if event.text.startswith("Not cleaned up")]
    assert told == ["Not cleaned up (Put the dead letters back): it does not answer."]
    assert [event.value for event in played.of(Measured) if event.key == "deleted"] == [2]


def test_a_clean_up_says_what_it_could_not_delete_and_what_was_whole(lab: Lab) -> None:
    text = """\
name: twice
title: Twice
steps:
  - create: {count: 2, group: mine}
  - delete: {of: mine}
  - wait: {flushed: true}
cleanup:
  - delete: {of: mine}
  - fault: failures:off
  - fault: worker:start
"""
    played = _play(lab, text)
    told = [event.text for event in played.of(Narrated)]
    assert any(text.startswith("2 of 2 products are not deleted (refused: ") for text in told)
    assert "failures are off, so there is nothing to mend." in told
    assert "worker is healthy, so there is nothing to mend." in told
    assert not played.of(FaultInjected)


def test_an_answer_is_part_of_the_run_and_no_answer_is_noted(lab: Lab) -> None:
    text = """\
name: asking
title: Asking
steps:
  - create: {}
  - ask: {question: 'How many?', choices: [one, two]}
"""
    played = _play(lab, text, lambda question, choices: choices[1])
    assert [m.value for m in played.of(Measured) if m.label == "How many?"] == ["two"]
    played = _play(lab, text)
    assert any(told.text.endswith("How many?") for told in played.of(Narrated))
    assert played.end.outcome == "expected"


@pytest.mark.slow_in_docker
@pytest.mark.parametrize(("step", "made"), [(2, 0), (4, 2)])
def test_an_interruption_cleans_up(lab: Lab, step: int, made: int) -> None:
    scenario = scenario_of(read_script(_CHANGES), "./mine.yaml", _no_one)
    with Run(lab) as run:
        before, deleted = run.probe.live_settings(), _deleted(run)
        with closing(run_scenario(lab, scenario, Options())) as events:
            assert any(isinstance(event, StepStarted) and event.number == step for event in events)
        assert run.probe.live_settings() == before
        assert _deleted(run) == deleted + made
    assert not list(lab.directory.glob(UNDO_LOGS))
    assert_works(lab)


def _deleted(run: Run) -> int:
    """How many products were ever deleted, once everything is flushed."""
    list(run.probe.settle(20))
    return int(run.probe.table("SELECT count(*) FROM product_tombstones")[1][0][0])


@pytest.mark.slow_in_docker
def test_what_a_killed_run_changed_is_put_back_by_the_next_command(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "cut.yaml"
    file.write_text(_CHANGES)
    argv = [sys.executable, "-m", "labctl", "--name", lab.name, "--runtime", lab.kind, "demo", str(file)]
    env = {**os.environ, "LABCTL_HOME": str(lab.directory.parent)}
    with (
        Run(lab) as run,
        subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child,
    ):
        before = run.probe.live_settings()
        try:
            wait_until(
                lambda: lab.services()["worker"].pid is None,
                seconds=60,
                reason="the worker is stopped",
                hint="",
            )
            assert run.probe.live_settings()["coalescing_window_ms"] == "20000"
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(10)
        list(tend(lab))
        assert run.probe.live_settings() == before
    assert_works(lab)
