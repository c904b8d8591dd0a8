"""How every scenario concludes."""

from collections.abc import Generator
from dataclasses import replace

import pytest

from scenarios.conclude import conclude, contradictions, established, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, Outcome, TableShown, VerdictReached
from scenarios.judge.final_read import Findings
from scenarios.judge.history import Sighting, Sightings
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from tests.unit.scenarios.fake_run import fake_run
from tests.unit.scenarios.histories import acknowledged, judged, row

FOUND = {"a": row(1)}
CULPRIT = "PostgreSQL does not answer: refused"
AWAY = Findings(unread={"rows": CULPRIT})
KEPT = Checked("nothing is lost", "0 lost", "0 lost", passed=True)
BROKEN = Checked("nothing is lost", "0 lost", "3 lost", passed=False)


def reached(run: Run) -> tuple[list[Event], Verdict]:
    """What is reported on the way to the verdict, and the verdict."""
    events: list[Event] = []

    def follow(source: Generator[Event, None, Verdict]) -> Generator[Event, None, None]:
        verdicts.append((yield from source))

    verdicts: list[Verdict] = []
    events += follow(reach_verdict(run))
    return events, verdicts[0]


def test_the_verdict_is_reported_and_returned() -> None:
    events, verdict = reached(fake_run(acknowledged("a", 1), found=Findings(rows=FOUND)))
    assert events == [VerdictReached(verdict)]
    assert verdict.validity == "valid"


def test_what_is_still_queued_after_the_wait_is_told() -> None:
    found = Findings(pending={"a": [row(1)]})
    events, verdict = reached(fake_run(acknowledged("a", 1), found=found, quiet=False))
    assert events[0] == Narrated("The queue is not empty after 30 s.")
    assert verdict.fates["pending"] == 1


def test_whoever_does_not_answer_is_named_once_and_the_verdict_unknown() -> None:
    events, verdict = reached(fake_run(acknowledged("a", 1), found=AWAY))
    assert isinstance(events[0], Narrated)
    assert "PostgreSQL does not answer: refused." in events[0].text
    assert "`labctl --name second up`" in events[0].text
    assert [type(event) for event in events] == [Narrated, VerdictReached]
    assert (verdict.validity, verdict.fates["undetermined"]) == ("unknown", 1)


def test_what_keeps_the_queue_from_emptying_is_named_once() -> None:
    events, _ = reached(fake_run(acknowledged("a", 1), found=AWAY, quiet=False, culprit=CULPRIT))
    assert [type(event) for event in events] == [Narrated, VerdictReached]
    assert isinstance(events[0], Narrated)
    assert CULPRIT in events[0].text


@pytest.mark.parametrize(
    ("findings", "check", "outcome", "text"),
    [
        (Findings(rows=FOUND), KEPT, "expected", "as told"),
        (
            Findings(rows=FOUND),
            BROKEN,
            "unexpected",
            "Predicted: nothing is lost; measured: 3 lost",
        ),
        (
            Findings(rows=FOUND, unattributed={"z": row(1)}),
            KEPT,
            "unexpected",
            "did another client write",
        ),
        (AWAY, KEPT, "inconclusive", CULPRIT),
        # What could not be established does not count against the lab.
        (AWAY, BROKEN, "inconclusive", CULPRIT),
    ],
)
def test_a_conclusion_needs_a_valid_verdict_and_every_check(
    findings: Findings, check: Checked, outcome: Outcome, text: str
) -> None:
    conclusion = conclude(judged([acknowledged("a", 1)], findings), [Narrated("..."), check], "as told")
    assert conclusion.outcome == outcome
    assert text in conclusion.text


def test_superseded_writes_are_explained() -> None:
    run = fake_run(acknowledged("a", 1), acknowledged("a", 2), found=Findings(rows={"a": row(2)}))
    events, _ = reached(run)
    assert isinstance(events[-1], Narrated)
    assert "Superseded: replaced by a newer write" in events[-1].text


def test_how_long_writes_were_in_redis_alone_is_shown_where_it_is_asked_for() -> None:
    run = fake_run(acknowledged("a", 1, at=(0, 1)), found=Findings(rows=FOUND))
    seen = Sighting(version=1, at=1.5, poll=1, asked=0)
    object.__setattr__(run, "sightings", Sightings(polls=[1.1, 1.4], seen={"a": [seen]}))
    events = list(reach_verdict(run, lag_of=lambda write: True))
    figures = {event.key: event.value for event in events if isinstance(event, Measured)}
    assert figures["persist_lag_max_ms"] == figures["persist_lag_p50_ms"] == 500
    assert figures["persist_lag_resolution_ms"] == 400
    (table,) = (event for event in events if isinstance(event, TableShown))
    assert table.rows == (("a", "Widget", "500"),)
    assert isinstance(events[-1], Narrated)
    assert "only in Redis for 500 ms" in events[-1].text


def test_a_check_on_all_classes_is_not_passed_while_some_are_open() -> None:
    open_, closed = judged([acknowledged("a", 1)], AWAY), judged([acknowledged("a", 1)], Findings(rows=FOUND))
    assert [established(verdict, passed=True) for verdict in (open_, closed)] == [None, True]
    assert [established(verdict, passed=False) for verdict in (open_, closed)] == [False, False]
    # Something that is wrong elsewhere establishes nothing that was not read.
    assert established(replace(open_, validity="invalid", fates=closed.fates), passed=True) is None
    unclear = Checked("nothing is lost", "0 lost", "0 lost", passed=None)
    assert contradictions([unclear]) == []
