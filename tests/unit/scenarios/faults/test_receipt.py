"""What proves a fault, and what does not: pure comparisons of two sights."""

from dataclasses import replace

import pytest

from scenarios.faults.language import parse_action
from scenarios.faults.receipt import evaluate
from scenarios.faults.sight import Memory, Process, Sight

FIRST, SECOND = Process(11, 100.0), Process(22, 200.0)
MEMORY = Memory(epoch=1, keys=50, unwritten=7, oldest_age_s=0.4)
EMPTY = Memory(epoch=None, keys=0, unwritten=0, oldest_age_s=0.0)
UP = Sight(at=1.0, state="running", process=FIRST, reach="answers", memory=MEMORY)
DOWN = Sight(at=2.0, state="died", reach="refused")
FROZEN = replace(UP, state="paused", reach="silent", memory=None)
AGAIN = replace(UP, process=SECOND, memory=EMPTY)
CALM, FAILING = Sight(at=1.0, failing=False, failed=3), Sight(at=2.0, failing=True, failed=9)


@pytest.mark.parametrize(
    ("action", "before", "after", "whole"),
    [
        ("redis:kill", UP, DOWN, None),
        ("redis:stop", UP, replace(DOWN, state="stopped"), None),
        ("redis:kill", FROZEN, DOWN, UP),
        ("redis:start", DOWN, AGAIN, UP),
        ("redis:start", DOWN, replace(AGAIN, memory=replace(MEMORY, epoch=2)), UP),
        ("redis:pause", UP, FROZEN, None),
        ("redis:resume", FROZEN, UP, UP),
        ("redis:flushall", UP, replace(UP, memory=EMPTY), None),
        ("redis:flushall", UP, replace(UP, memory=replace(MEMORY, epoch=2)), None),
        ("worker:kill", replace(UP, reach=None, memory=None), replace(DOWN, reach=None), None),
        ("worker:pause", replace(UP, reach=None), replace(FROZEN, reach=None), None),
        ("postgres:start", DOWN, replace(UP, process=SECOND), UP),
        ("failures:on=30%", CALM, FAILING, None),
        ("failures:on", FAILING, replace(FAILING, failed=20), None),
        ("failures:on", CALM, replace(FAILING, failed=1), None),
        ("failures:off", FAILING, CALM, None),
    ],
)
def test_what_proves_it(action: str, before: Sight, after: Sight, whole: Sight | None) -> None:
    receipt = evaluate(parse_action(action), before, after, whole)
    assert (receipt.bit, receipt.why) == (True, "")
    assert receipt.proofs


@pytest.mark.parametrize(
    ("action", "before", "after", "whole", "why"),
    [
        ("redis:kill", UP, UP, None, "the process of redis is still there; redis answers on its port"),
        ("redis:kill", DOWN, DOWN, None, "redis did not run before"),
        ("redis:kill", UP, AGAIN, None, "replaced by another at once"),
        ("redis:stop", UP, replace(DOWN, reach="answers"), None, "redis answers on its port"),
        ("redis:start", DOWN, DOWN, UP, "redis does not run"),
        ("redis:start", UP, UP, UP, "redis ran already"),
        ("redis:start", DOWN, replace(AGAIN, reach="silent"), UP, "takes connections and does not answer"),
        ("redis:start", DOWN, replace(AGAIN, memory=MEMORY), UP, "Redis still has its memory"),
        ("redis:pause", UP, UP, None, "redis was not frozen, and still is"),
        ("redis:pause", UP, replace(FROZEN, reach="answers"), None, "redis answers on its port"),
        ("redis:pause", UP, DOWN, None, "is not the same as before"),
        ("redis:resume", FROZEN, FROZEN, UP, "was frozen, and still is"),
        ("redis:resume", FROZEN, replace(UP, memory=EMPTY), UP, "Redis lost its memory"),
        ("redis:flushall", UP, UP, None, "Redis still has its memory"),
        # It was emptied and filled again by another: fewer keys prove nothing.
        ("redis:flushall", UP, replace(UP, memory=replace(MEMORY, keys=3)), None, "still has its memory"),
        ("failures:on", CALM, replace(FAILING, failed=3), None, "no attempt to write has failed"),
        ("failures:on", CALM, replace(CALM, failed=9), None, "failures are off"),
        ("failures:off", FAILING, FAILING, None, "failures are on"),
        ("failures:off", CALM, CALM, None, "failures were off already"),
        ("failures:off", CALM, FAILING, None, "failures were off already"),
    ],
)
def test_what_speaks_against_it(
    action: str, before: Sight, after: Sight, whole: Sight | None, why: str
) -> None:
    receipt = evaluate(parse_action(action), before, after, whole)
    assert receipt.bit is False
    assert why in receipt.why


@pytest.mark.parametrize(
    ("action", "before", "after", "why"),
    [
        ("redis:flushall", replace(UP, memory=None), UP, "what Redis held could not be read"),
        ("redis:flushall", UP, replace(UP, memory=None), "what Redis held could not be read"),
        ("redis:flushall", replace(UP, memory=EMPTY), replace(UP, memory=EMPTY), "held nothing before"),
    ],
)
def test_what_could_not_be_seen_is_unknown(action: str, before: Sight, after: Sight, why: str) -> None:
    receipt = evaluate(parse_action(action), before, after)
    assert receipt.bit is None
    assert why in receipt.why


def test_a_crash_says_what_was_at_stake() -> None:
    receipt = evaluate(parse_action("redis:kill"), UP, DOWN)
    assert [(one.what, one.before, one.after) for one in receipt.proofs] == [
        ("process", "pid 11", "gone"),
        ("its port", "answers", "refuses connections"),
        ("entries in Redis alone", "7", "gone"),
    ]
