"""Every run of a real lab leaves a journal, from which the verdict comes out the same."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labctl.runs.store import Runs
from scenarios.catalogue import DEMOS
from scenarios.events import ScenarioFinished, VerdictReached
from scenarios.journal import files
from scenarios.journal.reader import Journal, open_journal
from scenarios.recheck.recheck import recheck_journal
from stack.lab import Lab
from stack.wait import wait_until
from tests.integration.explained import assert_explained_as_judged
from tests.integration.runs import Played, interrupt, play


@pytest.fixture
def runs(lab: Lab) -> Runs:
    """The runs of the lab, without those of other tests."""
    store = Runs(lab.directory.parent)
    for run in store.journals():
        store.remove(run)
    return store


def recheck_is_the_same(runs: Runs, played: Played) -> Journal:
    """The newest journal rechecks to the verdict that was given, and holds every event."""
    journal = runs.open()
    rechecked = recheck_journal(journal)
    assert (rechecked.result, rechecked.contradictions) == ("same", ()), rechecked.conclusion
    assert rechecked.verdict == played.verdict
    assert journal.state == "complete"
    told = [type(event) for _, event in journal.events()]
    assert told[-1] is ScenarioFinished
    assert VerdictReached in told
    return journal


@pytest.mark.slow_in_docker
@pytest.mark.parametrize("name", [name for name in DEMOS if name != "database-state"])
def test_every_demo_rechecks_to_the_same_verdict(lab: Lab, runs: Runs, name: str) -> None:
    played = play(lab, name)
    journal = recheck_is_the_same(runs, played)
    assert_explained_as_judged(lab, journal, played.verdict)
    about = journal.environment
    assert (about.lab, about.runtime, about.command) == (lab.name, lab.kind, f"demo {name}")
    assert about.settings["coalescing_window_ms"] == 500
    assert {"redis", "postgres"} <= set(about.services)
    assert {"labctl", "python"} <= set(about.versions)


@pytest.mark.slow_in_docker
@pytest.mark.parametrize("kind", ["quick", "coalescing", "basic"])
def test_so_does_every_load(lab: Lab, runs: Runs, kind: str) -> None:
    options = {} if kind == "quick" else {"duration": 1.5}
    played = play(lab, f"load-{kind}", **options)
    journal = recheck_is_the_same(runs, played)
    assert sum(write.answer == "acknowledged" for write in journal.writes()) == played.verdict.acknowledged


@pytest.mark.slow_in_docker
def test_an_interrupted_run_is_listed_as_cut_off(lab: Lab, runs: Runs) -> None:
    interrupt(lab, "load-basic", lambda event: True, duration=5.0)
    (summary,) = runs.summaries()
    assert (summary.state, summary.outcome) == ("cut off", None)
    assert recheck_journal(runs.open()).result == "undecided"


@pytest.mark.slow_in_docker
def test_a_killed_run_can_be_read_to_its_last_whole_line(lab: Lab, runs: Runs) -> None:
    words = ["load", "basic", "--duration", "30", "--name", lab.name, "--runtime", lab.kind, "--quiet"]
    home = {**os.environ, "LABCTL_HOME": str(lab.directory.parent)}
    labctl = subprocess.Popen([sys.executable, "-m", "labctl", *words], env=home)
    try:
        wait_until(
            lambda: any(path.stat().st_size > 100_000 for path in runs.journals().values()),
            seconds=60,
            reason="the journal grows",
            hint="",
        )
        (running,) = runs.summaries()
        assert running.state == "running"
    finally:
        labctl.send_signal(signal.SIGKILL)
        labctl.wait(30)
    journal = runs.open()
    assert journal.path.name.endswith(files.OPEN)
    assert journal.state == "cut off"
    assert journal.damage == ()
    assert sum(1 for _ in journal.writes()) > 100
    rechecked = recheck_journal(journal)
    assert (rechecked.result, rechecked.verdict.validity) == ("undecided", "unknown")


@pytest.mark.slow_in_docker
def test_a_journal_can_be_carried_elsewhere(lab: Lab, runs: Runs, tmp_path: Path) -> None:
    play(lab, "load-quick")
    copy = tmp_path / "evidence.jsonl.gz"
    copy.write_bytes(runs.find().read_bytes())
    assert recheck_journal(open_journal(copy)).result == "same"
