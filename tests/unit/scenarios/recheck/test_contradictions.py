"""Journals that were forged line by line and chained anew, and what gives them away."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scenarios.catalogue import DEMOS
from scenarios.events import Checked, Event, FaultInjected, ScenarioFinished, VerdictReached
from scenarios.experiment.journal import NAME as EXPERIMENT
from scenarios.journal.reader import open_journal
from scenarios.judge.verdict import judge
from scenarios.recheck.contradictions import UNJUDGED
from scenarios.recheck.recheck import Recheck, recheck_journal
from tests.journals import ENVIRONMENT, rewritten, write_journal
from tests.unit.scenarios.recheck.test_recheck import FOUND, HISTORY, VERDICT

Line = dict[str, Any]
GATE = Checked("lost == 0 writes", "== 0 writes", "2 writes", passed=False)
FAULT = FaultInjected("redis:flushall", 2.0, (), True, "")
STORY: list[Event] = [FAULT, GATE, VerdictReached(VERDICT)]
MISSED = ScenarioFinished("load-basic", "unexpected", "lost == 0 writes expected, measured 2 writes", 5.5)


def forged(tmp_path: Path, *changes: Callable[[Line], list[Line]]) -> Recheck:
    """A journal of a missed gate, each line replaced by what the changes make of it."""
    about = msgspec.structs.replace(ENVIRONMENT, options={"expect": ["lost==0"]})
    path = write_journal(tmp_path, HISTORY, FOUND, events=[*STORY, MISSED], environment=about)
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    for change in changes:
        lines = [new for line in lines for new in change(line)]
    end = lines[-1]
    if end["type"] == "end":
        end["lines"] = len(lines)
    content = [json.dumps({"v": 1, "n": 0, "sum": "", **line}).encode() for line in lines]
    target = tmp_path / "forged.jsonl"
    target.write_bytes(rewritten(content, lambda _, line: line))
    return recheck_journal(open_journal(target))


def event(name: str, **fields: Any) -> Callable[[Line], list[Line]]:
    """Forge the fields of that event."""

    def change(line: Line) -> list[Line]:
        if line.get("name") == name:
            return [{**line, "event": {**line["event"], **fields}}]
        return [line]

    return change


def kind(name: str, **fields: Any) -> Callable[[Line], list[Line]]:
    """Forge the fields of lines of that type."""
    return lambda line: [{**line, **fields}] if line["type"] == name else [line]


def doubled(name: str) -> Callable[[Line], list[Line]]:
    return lambda line: [line, line] if line["type"] == name else [line]


def test_the_story_is_believed_as_it_was_written(tmp_path: Path) -> None:
    rechecked = forged(tmp_path)
    assert (rechecked.result, rechecked.contradictions, rechecked.differences) == ("same", (), ())


def test_a_gate_that_was_missed_can_not_be_forged_into_a_pass(tmp_path: Path) -> None:
    end = event("ScenarioFinished", outcome="expected", conclusion="all is well")
    assert "though a check failed: lost == 0 writes" in forged(tmp_path / "a", end).contradictions[0]
    passed = forged(tmp_path / "b", end, event("Checked", passed=True))
    assert passed.differences == ("lost == 0 writes: passed then, and failed now (2 writes)",)
    dropped = forged(tmp_path / "c", end, lambda line: [] if line.get("name") == "Checked" else [line])
    assert dropped.differences == ("it was not checked whether lost == 0 writes",)


@pytest.mark.parametrize("outcome", ["expected", "unexpected"])
def test_an_outcome_needs_a_verdict(tmp_path: Path, outcome: str) -> None:
    gone = lambda line: [] if line["type"] == "verdict" else [line]  # noqa: E731
    rechecked = forged(tmp_path, event("ScenarioFinished", outcome=outcome), gone)
    assert rechecked.result == "different"
    assert any("without a verdict" in text for text in rechecked.contradictions)


def test_only_what_makes_no_writes_ends_without_a_verdict(tmp_path: Path) -> None:
    assert set(DEMOS) & UNJUDGED == {"database-state"}
    assert UNJUDGED - set(DEMOS) == {EXPERIMENT}
    unjudged = kind("environment", scenario="database-state")
    gone = lambda line: [] if line["type"] == "verdict" else [line]  # noqa: E731
    # This one does make writes, whatever it calls itself.
    assert any("without a verdict" in text for text in forged(tmp_path, unjudged, gone).contradictions)


@pytest.mark.parametrize("bit", [None, False])
def test_a_fault_without_proof_is_not_as_expected(tmp_path: Path, bit: bool | None) -> None:
    changes = event("ScenarioFinished", outcome="expected"), event("FaultInjected", bit=bit)
    rechecked = forged(tmp_path, *changes, event("Checked", passed=True))
    assert any("a fault did not take effect: redis:flushall" in text for text in rechecked.contradictions)


@pytest.mark.parametrize("name", ["environment", "final_read", "verdict", "end"])
def test_what_there_is_once_is_not_believed_twice(tmp_path: Path, name: str) -> None:
    rechecked = forged(tmp_path, doubled(name))
    assert rechecked.result == "different"
    assert any("is a second" in text or "follows the last" in text for text in rechecked.contradictions)


def test_a_kind_verdict_before_the_true_one_is_not_overlooked(tmp_path: Path) -> None:
    kinder = judge(HISTORY, FOUND).to_json() | {"lost_products": []}
    before = lambda line: [{**line, "verdict": kinder}, line] if line["type"] == "verdict" else [line]  # noqa: E731
    assert forged(tmp_path, before).result == "different"


@pytest.mark.parametrize(
    "change",
    [
        kind("write", sent=-1.0),
        kind("write", sent=1e308, finished=1e308),
        kind("write", sent=0.0, finished=1e308),
        kind("write", finished=3e8),
        kind("write", due=-1e308),
        kind("poll", sent=-0.5),
        kind("poll", at=1e12),
        kind("memory_loss", gone=1e300),
    ],
)
def test_times_lie_within_the_run(tmp_path: Path, change: Callable[[Line], list[Line]]) -> None:
    assert forged(tmp_path, change).contradictions


@pytest.mark.parametrize(
    "change",
    [
        event("ScenarioFinished", outcome="as_expected"),
        event("Checked", passed="yes"),
        kind("verdict", verdict={"validity": "fine"}),
        lambda line: (
            [line, {"type": "event", "name": "Narrated", "event": {"text": "x"}}]
            if line.get("name") == "ScenarioFinished"
            else [line]
        ),
    ],
)
def test_a_known_kind_of_line_has_its_own_shape_and_place(
    tmp_path: Path, change: Callable[[Line], list[Line]]
) -> None:
    assert forged(tmp_path, change).contradictions


def test_an_event_of_another_labctl_is_only_passed_over(tmp_path: Path) -> None:
    unheard = {"type": "event", "name": "Unheard", "event": {}}
    add = lambda line: [unheard, line] if line["type"] == "verdict" else [line]  # noqa: E731
    assert forged(tmp_path, add).result == "same"
