"""What is left of a scenario from a file: its clean-up, also if it is cut short."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from scenarios.events import FaultInjected, Measured, Narrated, StepStarted
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.runner import run_scenario
from scenarios.scripted.file import read_script
from scenarios.scripted.play import scenario_of
from stack.converge.restore import tend
from stack.errors import NotRunning
from stack.lab import Lab
from stack.state.directory import UNDO_LOGS
from stack.wait import wait_until
from tests.integration.runs import Played, assert_works
from tests.integration.scripted import no_one, play_text

pytestmark = pytest.mark.usefixtures("mended")

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
        scenario = scenario_of(read_script(text), "./x.yaml", no_one)
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
    played = play_text(lab, text)
    told = [event.text for event in played.of(Narrated)]
    assert any(text.startswith("2 of 2 products are not deleted (refused: ") for text in told)
    assert "failures are off, so there is nothing to mend." in told
    assert "worker is healthy, so there is nothing to mend." in told
    assert not played.of(FaultInjected)


@pytest.mark.slow_in_docker
@pytest.mark.parametrize(("step", "made"), [(2, 0), (4, 2)])
def test_an_interruption_cleans_up(lab: Lab, step: int, made: int) -> None:
    scenario = scenario_of(read_script(_CHANGES), "./mine.yaml", no_one)
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
