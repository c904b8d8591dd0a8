"""What a load with faults comes to: the loss is a result, unless more is lost than was in Redis alone."""

from dataclasses import replace

import pytest

from scenarios.events import FaultInjected, Measured
from scenarios.faults.action import Action
from scenarios.faults.inject import Injected
from scenarios.faults.language import parse_action, parse_fault
from scenarios.faults.outcome import Faulted, check, conclude, report
from scenarios.faults.prediction import Tally
from scenarios.faults.sight import Memory, Sight
from scenarios.judge.checks.crashes import Crash
from scenarios.judge.checks.fates import Class
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import Verdict
from tests.unit.labctl.scripted import VERDICT

KILL = parse_fault("redis:kill@5s:start@7s").actions[0]
CRASH = Crash(exposed=5, products=5, overwritten_later=0, undetermined=0, old_epoch=1, new_epoch=2)


def _verdict(
    lost: int = 5, *, crashes: int = 1, dead_lettered: int = 0, pending: int = 0, undetermined: int = 0
) -> Verdict:
    fates: dict[Class, int] = {
        "persisted": 95 - lost,
        "superseded": 5,
        "dead_lettered": dead_lettered,
        "pending": pending,
        "lost": lost,
        "undetermined": undetermined,
    }
    return replace(VERDICT, acknowledged=sum(fates.values()), fates=fates, crashes=(CRASH,) * crashes)


def _injected(action: Action = KILL, *, bit: bool | None = True, unwritten: int = 5) -> Injected:
    memory = Memory(epoch=1, keys=9, unwritten=unwritten, oldest_age_s=0.5 if unwritten else 0.0)
    why = "" if bit else "redis answers on its port"
    event = FaultInjected(str(action), 5.0, (), bit, why)
    return Injected(action, event, Sight(at=10.0, memory=memory), gone_at=10.0)


def _faulted(*injected: Injected, left_out: tuple[Action, ...] = (), through: bool = False) -> Faulted:
    """Ten writes a second were acknowledged before the crash at 10 s."""
    tally = Tally()
    for n in range(100):
        tally.record(
            Write(product="p", operation="update", value={}, answer="acknowledged", finished_at=n / 10)
        )
    return Faulted(injected, left_out, tally, through)


def _end(faulted: Faulted, verdict: Verdict) -> tuple[str, str]:
    told = report(faulted, verdict)
    figures = {}
    while True:
        try:
            event = next(told)
        except StopIteration as end:
            most = end.value
            break
        if isinstance(event, Measured):
            figures[event.key] = event.value
    assert figures["lost"] == verdict.fates["lost"]
    conclusion = conclude(faulted, verdict, check(faulted, verdict, most), "20 requests/s")
    return conclusion.outcome, conclusion.text


def test_a_loss_within_the_bound_is_the_result() -> None:
    outcome, text = _end(_faulted(_injected()), _verdict(lost=5))
    assert outcome == "expected"
    assert "5 of 100 acknowledged writes are lost with Redis's memory" in text
    assert "About 5 were predicted, 5 at most." in text


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (_verdict(lost=9), "no more is lost than was in Redis alone"),
        (_verdict(lost=2, crashes=2), "Redis lost its memory only on purpose"),
        (_verdict(lost=2, dead_lettered=1), "none is set aside"),
        (_verdict(lost=2, pending=1), "none is left waiting"),
        (replace(_verdict(), validity="invalid", reasons=("a row is older",)), "a row is older"),
    ],
)
def test_what_the_fault_does_not_explain_is_not_as_expected(verdict: Verdict, why: str) -> None:
    outcome, text = _end(_faulted(_injected()), verdict)
    assert (outcome, why in text) == ("unexpected", True), text


@pytest.mark.parametrize(
    ("faulted", "verdict", "why"),
    [
        (_faulted(_injected(bit=False)), _verdict(), "redis:kill@5s did not take effect: redis answers"),
        (_faulted(_injected(bit=None)), _verdict(), "redis:kill@5s may have had no effect"),
        (_faulted(left_out=(KILL,)), _verdict(lost=0, crashes=0), "the load ended before redis:kill@5s"),
        (_faulted(_injected(unwritten=0)), _verdict(lost=0), "nothing was in Redis alone at the crash"),
        (_faulted(_injected()), _verdict(undetermined=3), "3 acknowledged writes could not be seen"),
        (_faulted(_injected()), replace(_verdict(), validity="unknown", reasons=("unread",)), "unread"),
    ],
)
def test_what_was_not_proved_or_seen_is_inconclusive(faulted: Faulted, verdict: Verdict, why: str) -> None:
    outcome, text = _end(faulted, verdict)
    assert (outcome, why in text) == ("inconclusive", True), text


def test_write_through_loses_nothing_and_that_is_a_result() -> None:
    outcome, text = _end(_faulted(_injected(unwritten=0), through=True), _verdict(lost=0))
    assert outcome == "expected"
    assert "no acknowledged write with it" in text


def test_a_fault_that_leaves_the_memory_may_cost_nothing() -> None:
    worker = _injected(replace(parse_action("worker:kill"), at=3.0))
    assert _end(_faulted(worker), _verdict(lost=0, crashes=0))[0] == "expected"
    outcome, text = _end(_faulted(worker), _verdict(lost=1, crashes=0))
    assert (outcome, "no acknowledged write is lost" in text) == ("unexpected", True)


def test_what_is_lost_or_set_aside_may_be_missing_from_reads() -> None:
    worker, failures = parse_action("worker:kill"), parse_action("failures:on")
    assert not _faulted(_injected(worker)).hides_writes
    assert _faulted(_injected(failures)).hides_writes
    assert _faulted(_injected(KILL)).hides_writes
