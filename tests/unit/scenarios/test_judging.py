"""The end that all scenarios share."""

from collections.abc import Generator

import pytest

from scenarios.events import Checked, Event, Narrated, Outcome, VerdictReached
from scenarios.findings import Findings
from scenarios.judging import conclude, reach_verdict
from scenarios.lab import Lab
from scenarios.verdict import Verdict, judge
from tests.unit.scenarios.fake_lab import fake_lab
from tests.unit.scenarios.histories import acknowledged, row

FOUND = {"a": row(1)}
KEPT = Checked("nothing is lost", "0 lost", "0 lost", passed=True)
BROKEN = Checked("nothing is lost", "0 lost", "3 lost", passed=False)


def reached(lab: Lab) -> tuple[list[Event], Verdict]:
    """What is reported on the way to the verdict, and the verdict."""
    events: list[Event] = []

    def follow(source: Generator[Event, None, Verdict]) -> Generator[Event, None, None]:
        verdicts.append((yield from source))

    verdicts: list[Verdict] = []
    events += follow(reach_verdict(lab))
    return events, verdicts[0]


def test_the_verdict_is_reported_and_returned() -> None:
    events, verdict = reached(fake_lab(acknowledged("a", 1), found=Findings(rows=FOUND)))
    assert events == [VerdictReached(verdict)]
    assert verdict.validity == "valid"


def test_what_is_still_queued_after_the_wait_is_told() -> None:
    found = Findings(pending={"a": frozenset({1})})
    events, verdict = reached(fake_lab(acknowledged("a", 1), found=found, quiet=False))
    assert isinstance(events[0], Narrated)
    assert "pending" in events[0].text
    assert verdict.fates["pending"] == 1


def test_a_database_that_is_away_leaves_the_verdict_unknown() -> None:
    events, verdict = reached(fake_lab(acknowledged("a", 1)))
    assert isinstance(events[0], Narrated)
    assert "PostgreSQL can't be read" in events[0].text
    assert "`labctl up --name second`" in events[0].text
    assert (verdict.validity, verdict.fates["lost"]) == ("unknown", 0)


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
            Findings(rows=FOUND, strangers={"z": row(1)}),
            KEPT,
            "unexpected",
            "did somebody else write",
        ),
        (None, KEPT, "inconclusive", "could not be read"),
        # What could not be established is not held against the lab.
        (None, BROKEN, "inconclusive", "could not be read"),
    ],
)
def test_a_conclusion_needs_a_valid_verdict_and_every_check(
    findings: Findings | None, check: Checked, outcome: Outcome, text: str
) -> None:
    conclusion = conclude(judge([acknowledged("a", 1)], findings), [Narrated("..."), check], "as told")
    assert conclusion.outcome == outcome
    assert text in conclusion.text


def test_superseded_writes_are_explained() -> None:
    lab = fake_lab(acknowledged("a", 1), acknowledged("a", 2), found=Findings(rows={"a": row(2)}))
    events, _ = reached(lab)
    assert isinstance(events[-1], Narrated)
    assert "Superseded: replaced by a newer write" in events[-1].text
