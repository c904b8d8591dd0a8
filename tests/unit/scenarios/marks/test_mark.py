"""What is marked of a run."""

import msgspec
import pytest

from scenarios.events import (
    Event,
    FaultInjected,
    Narrated,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    VerdictReached,
)
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.judge.verdict import judge
from scenarios.marks.mark import Mark, Marker

_RUN = "20260131T180000Z-data-loss"
_NOTHING_WRITTEN = judge(History(writes=()), Findings(rows={}, dead_letters={}, pending={}, cached={}))


def _marker() -> Marker:
    return Marker(_RUN, "data-loss", clock=lambda: 1_000.0)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ScenarioStarted("data-loss", "Data loss", "It hurts.", 5), ("run", "Data loss", "It hurts.")),
        (StepStarted(2, "Stop it", "labctl worker stop"), ("step", "Stop it", "labctl worker stop")),
        (FaultInjected("redis:flushall", 3.0, (), True), ("fault", "redis:flushall", "")),
        (FaultInjected("redis:kill", 3.0, (), None, "unseen"), ("fault", "redis:kill", "unseen")),
        (
            ScenarioFinished("data-loss", "unexpected", "Nothing was lost.", 7.5),
            ("end", "unexpected", "Nothing was lost."),
        ),
    ],
)  # fmt: skip
def test_what_an_audience_should_see_on_a_chart_is_marked(event: Event, expected: tuple[str, ...]) -> None:
    mark = _marker().mark(event)
    assert mark is not None
    assert (mark.kind, mark.label, mark.detail) == expected
    assert (mark.run, mark.scenario, mark.at) == (_RUN, "data-loss", 1_000.0)


def test_what_is_only_told_is_not_marked() -> None:
    assert _marker().mark(Narrated("The queue fills.")) is None


def test_a_fault_is_marked_when_it_took_effect() -> None:
    mark = _marker().mark(FaultInjected("redis:flushall", 3.0, (), True), ago=2.5)
    assert mark is not None
    assert mark.at == 997.5


def test_the_end_has_the_figures_of_the_verdict() -> None:
    marker = _marker()
    marker.mark(VerdictReached(_NOTHING_WRITTEN))
    end = marker.mark(ScenarioFinished("data-loss", "inconclusive", "Nothing was written.", 1.0))
    assert end is not None
    assert end.outcome == "inconclusive"
    assert end.figures is not None
    assert end.figures["acknowledged"] == 0
    fates = {"persisted", "superseded", "dead_lettered", "pending", "lost"}
    assert {*fates, "lost_products"} <= set(end.figures)


def test_without_a_verdict_there_are_no_figures() -> None:
    end = _marker().mark(ScenarioFinished("data-loss", "inconclusive", "Redis does not answer.", 1.0))
    assert end is not None
    assert end.figures is None


def test_a_run_is_open_from_its_beginning_to_its_end() -> None:
    marker = _marker()
    was_open = [marker.is_open]
    marker.mark(ScenarioStarted("data-loss", "Data loss", "", 5))
    was_open.append(marker.is_open)
    end = marker.interrupted()
    was_open.append(marker.is_open)
    assert was_open == [False, True, False]
    assert (end.kind, end.outcome) == ("end", "interrupted")


def test_long_and_broken_texts_can_be_sent() -> None:
    mark = _marker().mark(StepStarted(1, "x" * 1_000, "broken \udcff" + "y" * 5_000))
    assert mark is not None
    assert (len(mark.label), len(mark.detail)) == (200, 2_000)
    assert msgspec.json.decode(msgspec.json.encode(mark), type=Mark) == mark
