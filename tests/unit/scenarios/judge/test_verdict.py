"""What a verdict makes of its findings: how valid it is, and what it may not claim."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from scenarios.judge.checks.fates import Class
from scenarios.judge.checks.result import Result, Validity, merge
from scenarios.judge.final_read import PARTS, Findings, Part
from scenarios.judge.history import MemoryLoss
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import CHECKS, SCHEMA
from tests.unit.scenarios.histories import (
    P5,
    acknowledged,
    deleted,
    judged,
    refused,
    row,
    tombstone,
    unknown,
)

UNREADABLE = Findings(unread=dict.fromkeys(PARTS, "nothing answers"))


@pytest.mark.parametrize("findings", [UNREADABLE, Findings()])
@pytest.mark.parametrize("writes", [[], [refused("p")], [unknown("p")]])
def test_without_an_acknowledgement_nothing_is_valid(writes: Sequence[Write], findings: Findings) -> None:
    verdict = judged(writes, findings)
    assert verdict.validity == "unknown"
    assert any("no write was acknowledged" in reason for reason in verdict.reasons)


def test_without_a_final_read_nothing_is_valid_and_nothing_is_judged() -> None:
    verdict = judged([P5, acknowledged("q", None)], UNREADABLE)
    assert verdict.validity == "unknown"
    assert "nothing answers" in verdict.reasons
    assert verdict.fates == {**dict.fromkeys(verdict.fates, 0), "undetermined": 2}
    assert verdict.lost_products == ()
    assert verdict.checks["final_read"].evidence == PARTS


@pytest.mark.parametrize(
    ("unread", "findings", "fate"),
    [
        (("rows",), Findings(pending={"p": [row(5)]}), "pending"),
        (("rows",), Findings(dead_letters={"p": [row(5)]}), "undetermined"),
        (("rows",), Findings(), "undetermined"),
        (("rows", "dead_letters"), Findings(pending={"p": [row(5)]}), "pending"),
        (("dead_letters",), Findings(pending={"p": [row(5)]}), "pending"),
        (("dead_letters",), Findings(rows={"p": row(5)}), "persisted"),
        (("dead_letters",), Findings(), "undetermined"),
        (("pending",), Findings(rows={"p": row(5)}), "persisted"),
        (("pending",), Findings(dead_letters={"p": [row(5)]}), "dead_lettered"),
        (("pending",), Findings(), "undetermined"),
        (("pending", "dead_letters", "cached"), Findings(rows={"p": row(4)}, since=4), "undetermined"),
        (("cached",), Findings(), "lost"),
    ],
)
def test_what_was_not_read_is_not_judged(unread: tuple[Part, ...], findings: Findings, fate: Class) -> None:
    read = replace(findings, unread=dict.fromkeys(unread, "Redis does not answer"))
    verdict = judged([P5], read)
    assert verdict.judged[0].fate == fate
    assert verdict.validity == "unknown"
    assert "Redis does not answer" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("part", "checks"),
    [
        ("rows", {"recovered", "unexpected", "regressed", "diverged"}),
        ("dead_letters", {"unexplained"}),
        ("pending", {"unexplained", "diverged"}),
        ("cached", {"diverged"}),
    ],
)
def test_no_check_passes_on_what_was_not_read(part: Part, checks: set[str]) -> None:
    known = Findings() if part == "rows" else Findings(rows={"p": row(5)})
    verdict = judged([P5], replace(known, unread={part: "away"}))
    unsure = {name for name, result in verdict.checks.items() if result.validity == "unknown"}
    assert unsure - {"final_read", "determined"} == checks


def test_a_loss_is_no_fault_of_the_measurement() -> None:
    verdict = judged([acknowledged("p", 5)], Findings())
    assert (verdict.validity, verdict.reasons, verdict.fates["lost"]) == ("valid", (), 1)


@pytest.mark.parametrize(
    ("validities", "merged"),
    [
        ([], "valid"),
        (["valid", "valid"], "valid"),
        (["valid", "unknown"], "unknown"),
        (["unknown", "invalid", "valid"], "invalid"),
    ],
)
def test_the_worst_finding_wins(validities: list[Validity], merged: Validity) -> None:
    assert merge(validities) == merged


def test_findings_merge_into_the_verdicts_validity() -> None:
    verdict = judged([], Findings(unattributed={"p": row(5)}))
    assert (verdict.validity, len(verdict.reasons)) == ("invalid", 2)


def test_a_label_is_what_the_audience_reads() -> None:
    writes = [acknowledged("p", 1, group="safe"), deleted("p", 2)]
    verdict = judged(writes, Findings(rows={"p": tombstone(2)}))
    assert [(j.label, j.group) for j in verdict.judged] == [("Widget", "safe"), ("(delete)", "")]


def test_as_json() -> None:
    writes = [acknowledged("p", 1, group="g"), refused("p"), unknown("q")]
    document = json.loads(json.dumps(judged(writes, Findings()).to_json()))
    assert next(iter(document)) == "schema"
    checks = document.pop("checks")
    assert document == {
        "schema": SCHEMA,
        "validity": "valid",
        "reasons": [],
        "acknowledged": 1,
        "refused": 1,
        "unknown": 1,
        "fates": {
            "persisted": 0,
            "superseded": 0,
            "dead_lettered": 0,
            "pending": 0,
            "lost": 1,
            "undetermined": 0,
        },
        "lost_products": ["p"],
        "crashes": [],
        "recovered": [],
        "unexpected": [],
        "regressed": [],
        "diverged": [],
        "judged": [
            {
                "product": "p",
                "version": 1,
                "group": "g",
                "label": "Widget",
                "fate": "lost",
                "crash": 0,
                "overwritten_later": False,
                "why": "",
            }
        ],
    }
    assert checks["final_read"] == {"validity": "valid", "reasons": [], "evidence": []}
    assert {*CHECKS, "acknowledged", "determined", "classes"} == set(checks)


def test_a_check_that_fails_makes_its_own_result_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(case: object) -> Result:
        raise KeyError("p")

    monkeypatch.setitem(CHECKS, "regressed", broken)
    verdict = judged([P5], Findings(rows={"p": row(5)}))
    assert verdict.validity == "unknown"
    assert verdict.reasons == ("the check 'regressed' failed, so it says nothing (KeyError: 'p')",)
    assert verdict.checks["unexpected"].validity == "valid"
    assert verdict.fates["persisted"] == 1


def test_a_write_that_cannot_be_judged_spoils_no_other() -> None:
    class Odd(dict[str, object]):
        def get(self, *_: object) -> object:
            raise RuntimeError("odd")

    odd = acknowledged("q", 1, Odd())
    found = Findings(rows={"p": row(5)}, dead_letters={"q": [row(1)]})
    verdict = judged([P5, odd], found)
    assert [one.fate for one in verdict.judged] == ["persisted", "undetermined"]
    assert verdict.validity == "unknown"
    assert any("RuntimeError: odd" in reason for reason in verdict.reasons)


def test_a_crash_that_cannot_be_judged_leaves_nothing_called_safe() -> None:
    broken: Any = None
    loss = MemoryLoss(last_seen_at=broken, gone_at=1, changed_at=1, old_epoch=1, new_epoch=2)
    verdict = judged([P5], Findings(rows={"p": row(5)}), losses=[loss])
    assert verdict.fates["undetermined"] == 1
    assert verdict.validity == "unknown"


def test_a_run_that_nobody_watched_is_not_valid() -> None:
    verdict = judged([P5], Findings(rows={"p": row(5)}), unwatched="nobody watched")
    assert (verdict.validity, verdict.reasons) == ("unknown", ("nobody watched",))
