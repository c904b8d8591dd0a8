"""What the lab's page is told of runs, by real runs, to a real API."""

from contextlib import closing
from typing import Any

import httpx
import pytest

from scenarios.catalogue import choose
from scenarios.events import StepStarted
from scenarios.marks import announcer
from scenarios.runner import run_scenario
from stack.lab import Lab
from stack.spec.events import StackNoted
from stack.wait import wait_until
from tests.integration.runs import interrupt, play
from tests.live_stream import LiveStream


def _newest_run(lab: Lab) -> dict[str, Any]:
    """The newest run, once its end has arrived."""
    newest: dict[str, Any] = {}

    def has_ended() -> bool:
        answer = httpx.get(lab.urls()["api"] + "/live/runs", timeout=10, trust_env=False)
        newest.update(answer.json()["runs"][0])
        return newest["outcome"] is not None

    wait_until(has_ended, seconds=10, reason="the end of the run has arrived", hint="")
    return newest


def _marks(lab: Lab, run: str) -> list[dict[str, Any]]:
    with LiveStream(int(lab.urls()["api"].rpartition(":")[2])) as stream:
        return [mark for mark in stream.next("hello")["marks"] if mark["run"] == run]


def test_the_page_is_told_of_a_demo_s_steps_its_faults_and_its_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine, the last marks may need more than the half second that a run waits for them.
    monkeypatch.setattr(announcer, "_LAST_MARKS_S", 30.0)
    played = play(lab, "data-loss")
    run = _newest_run(lab)
    assert (run["scenario"], run["outcome"]) == ("data-loss", "expected")
    assert (run["figures"]["acknowledged"], run["figures"]["lost"]) == (15, 5)
    marks = _marks(lab, run["run"])
    steps = [mark["label"] for mark in marks if mark["kind"] == "step"]
    assert steps == [step.title for step in played.of(StepStarted)]
    faults = [mark["label"] for mark in marks if mark["kind"] == "fault"]
    assert faults == ["worker:stop", "redis:flushall", "worker:start"]
    times = [mark["at"] for mark in marks]
    assert times == sorted(times)
    assert (marks[0]["kind"], marks[-1]["kind"]) == ("run", "end")
    assert not [note for note in played.of(StackNoted) if "marks" in note.text]


@pytest.mark.slow
def test_a_run_that_is_interrupted_has_an_end(lab: Lab) -> None:
    interrupt(lab, "data-loss", lambda event: isinstance(event, StepStarted) and event.number == 3)
    assert _newest_run(lab)["outcome"] == "interrupted"


@pytest.mark.slow
def test_an_api_that_is_gone_costs_a_run_one_line(local_lab: Lab) -> None:
    list(local_lab.up())
    noted: list[str] = []
    with closing(run_scenario(local_lab, *choose("load-quick", {}))) as events:
        for event in events:
            if isinstance(event, StepStarted) and event.number == 2:
                list(local_lab.kill("api"))
            if isinstance(event, StackNoted):
                noted.append(event.text)
    (note,) = [text for text in noted if "marks" in text]
    assert "of this run's marks did not reach the lab's page: " in note
