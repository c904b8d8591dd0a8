"""Every class and every finding of the verdict, one scripted history each."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from scenarios.judge.checks.fates import Class
from scenarios.judge.checks.result import Result, Validity, merge
from scenarios.judge.final_read import PARTS, Findings, Part, StoredValue
from scenarios.judge.history import MemoryLoss
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import CHECKS, SCHEMA
from tests.unit.scenarios.histories import (
    GADGET,
    WIDGET,
    acknowledged,
    deleted,
    judged,
    refused,
    row,
    tombstone,
    unknown,
)

UNREADABLE = Findings(unread=dict.fromkeys(PARTS, "nothing answers"))
P5 = acknowledged("p", 5)
#: Sent and answered before, during and after `NOW`.
EARLIER, NOW, LATER = (1.0, 2.0), (3.0, 5.0), (6.0, 7.0)
MEANWHILE = (4.0, 6.0)


@pytest.mark.parametrize(
    ("fate", "write", "findings"),
    [
        pytest.param("persisted", P5, Findings(rows={"p": row(5)}), id="its version"),
        pytest.param("persisted", deleted("p", 5), Findings(rows={"p": tombstone(5)}), id="delete"),
        pytest.param("dead_lettered", P5, Findings(dead_letters={"p": [row(5)]}), id="a letter, no row"),
        pytest.param(
            "dead_lettered",
            P5,
            Findings(rows={"p": row(4)}, dead_letters={"p": [row(5)]}, since=4),
            id="a letter, an older row",
        ),
        pytest.param(
            "dead_lettered", deleted("p", 5), Findings(dead_letters={"p": [tombstone(5)]}), id="its delete"
        ),
        pytest.param("lost", P5, Findings(dead_letters={"p": [row(5, GADGET)]}), id="a letter's other value"),
        pytest.param("lost", P5, Findings(dead_letters={"p": [row(9 * 10**15)]}), id="a planted letter"),
        pytest.param("lost", P5, Findings(dead_letters={"q": [row(5)]}), id="another product's letter"),
        pytest.param("pending", P5, Findings(pending={"p": [row(5)]}), id="still queued"),
        pytest.param("lost", P5, Findings(pending={"p": [row(6)]}), id="a planted entry"),
        pytest.param("lost", P5, Findings(), id="nowhere"),
        pytest.param("lost", P5, Findings(rows={"p": row(4)}), id="only an older row"),
        pytest.param("lost", deleted("p", 5), Findings(rows={"p": row(4)}), id="delete: the row is there"),
        pytest.param("lost", P5, Findings(rows={"p": row(6)}, since=6), id="a newer row of before the run"),
        pytest.param("undetermined", P5, Findings(rows={"p": row(6)}), id="a newer row of somebody else"),
        pytest.param("lost", acknowledged("p", None), Findings(rows={"p": row(9)}), id="without a version"),
        pytest.param("lost", acknowledged(None, 5), Findings(), id="without a product"),
    ],
)
def test_the_class_of_an_acknowledged_write(fate: Class, write: Write, findings: Findings) -> None:
    verdict = judged([write], findings)
    assert verdict.fates == {**dict.fromkeys(verdict.fates, 0), fate: 1}
    assert [one.fate for one in verdict.judged] == [fate]
    assert verdict.acknowledged == 1


@pytest.mark.parametrize(
    ("fate", "other", "findings"),
    [
        pytest.param(
            "superseded", acknowledged("p", 6, at=NOW), Findings(rows={"p": row(6)}), id="meanwhile"
        ),
        pytest.param("superseded", acknowledged("p", 6, at=LATER), Findings(rows={"p": row(6)}), id="later"),
        pytest.param(
            "superseded", deleted("p", 6, at=LATER), Findings(rows={"p": tombstone(6)}), id="a later delete"
        ),
        pytest.param("lost", acknowledged("p", 6, at=EARLIER), Findings(rows={"p": row(6)}), id="earlier"),
        pytest.param(
            "lost", acknowledged("p", 4, at=LATER), Findings(rows={"p": row(4)}), id="older version"
        ),
        pytest.param("superseded", unknown("p", at=EARLIER), Findings(rows={"p": row(6)}), id="unanswered"),
        pytest.param(
            "undetermined",
            unknown("p", GADGET, at=EARLIER),
            Findings(rows={"p": row(6)}),
            id="unanswered, another value",
        ),
        pytest.param("undetermined", refused("p"), Findings(rows={"p": row(6)}), id="a refused one"),
        pytest.param(
            "dead_lettered",
            acknowledged("p", 6, at=LATER),
            Findings(dead_letters={"p": [row(6)]}),
            id="into a letter",
        ),
        pytest.param(
            "dead_lettered",
            unknown("p", at=NOW),
            Findings(dead_letters={"p": [row(6)]}),
            id="into an unanswered letter",
        ),
        pytest.param(
            "lost",
            acknowledged("p", 6, at=EARLIER),
            Findings(dead_letters={"p": [row(6)]}),
            id="an earlier one's letter",
        ),
        pytest.param(
            "lost",
            acknowledged("p", 6, GADGET, at=LATER),
            Findings(dead_letters={"p": [row(6)]}),
            id="a letter with a later one's version alone",
        ),
        pytest.param(
            "pending", acknowledged("p", 6, at=LATER), Findings(pending={"p": [row(6)]}), id="into an entry"
        ),
        pytest.param(
            "lost",
            acknowledged("p", 4, at=LATER),
            Findings(pending={"p": [row(4)]}),
            id="only an older one waits",
        ),
    ],
)
def test_the_class_of_a_write_beside_another(fate: Class, other: Write, findings: Findings) -> None:
    """The fate of the write of version 5, sent at 3 s and answered at 5 s."""
    verdict = judged([other, acknowledged("p", 5, at=NOW)], findings)
    assert verdict.judged[-1].fate == fate
    assert sum(verdict.fates.values()) == verdict.acknowledged


def test_a_later_write_of_a_lower_version_is_lost_and_not_superseded() -> None:
    """The versions say that the row is newer; the clients know better."""
    writes = [acknowledged("p", 20, WIDGET, at=(9, 10)), acknowledged("p", 10, GADGET, at=(20, 21))]
    verdict = judged(writes, Findings(rows={"p": row(20)}))
    assert [one.fate for one in verdict.judged] == ["persisted", "lost"]
    assert verdict.lost_products == ("p",)


def test_two_writes_of_one_version_leave_it_open_which_of_them_the_row_is() -> None:
    """Acknowledged twice, once before and once during: whether the row replaced this one can't be told."""
    writes = [
        acknowledged("p", 6, at=EARLIER),
        acknowledged("p", 6, at=NOW),
        acknowledged("p", 5, at=MEANWHILE),
    ]
    verdict = judged(writes, Findings(rows={"p": row(6)}))
    assert verdict.judged[-1].fate == "undetermined"
    assert verdict.validity == "unknown"


@pytest.mark.parametrize(
    ("fate", "rows", "dead", "pending"),
    [
        ("persisted", row(5), [row(5)], [row(5)]),
        ("superseded", row(6), [row(5)], [row(5)]),
        ("dead_lettered", row(4), [row(5)], [row(5)]),
        ("dead_lettered", row(4), [row(6)], [row(5)]),
        ("pending", row(4), [row(4)], [row(5)]),
    ],
)
def test_the_first_class_that_matches_wins(
    fate: Class, rows: StoredValue, dead: list[StoredValue], pending: list[StoredValue]
) -> None:
    findings = Findings(rows={"p": rows}, dead_letters={"p": dead}, pending={"p": pending})
    verdict = judged([P5, acknowledged("p", 4), acknowledged("p", 6)], findings)
    assert verdict.judged[0].fate == fate


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


def test_lost_writes_and_products_whose_last_value_is_lost_are_two_figures() -> None:
    writes = [
        # The last write of `a` is lost, and one before it; `b` lost one that a later one replaced anyway.
        *(acknowledged("a", version) for version in (3, 2, 1)),
        *(acknowledged("b", version) for version in (1, 2)),
        acknowledged("c", 1),
    ]
    verdict = judged(writes, Findings(rows={"a": row(1), "b": row(2)}))
    assert (verdict.fates["lost"], verdict.lost_products) == (3, ("a", "c"))


def test_the_last_write_of_a_product_is_that_of_the_highest_version() -> None:
    # Answers may arrive in another order than Redis accepted the writes.
    verdict = judged([acknowledged("p", 9), acknowledged("p", 2)], Findings(pending={"p": [row(2)]}))
    assert [one.fate for one in verdict.judged] == ["lost", "pending"]
    assert verdict.lost_products == ("p",)


def test_the_last_write_of_a_product_is_none_that_another_one_followed() -> None:
    writes = [acknowledged("p", 9, at=EARLIER), acknowledged("p", 2, at=LATER)]
    assert judged(writes, Findings(pending={"p": [row(2)]})).lost_products == ()
    assert judged(writes, Findings(rows={"p": row(9)})).lost_products == ("p",)


@pytest.mark.parametrize(
    ("write", "findings"),
    [
        pytest.param(unknown("p"), Findings(rows={"p": row(5)}), id="update"),
        pytest.param(
            unknown(None, operation="create"), Findings(unattributed={"p": row(5)}), id="create, by its value"
        ),
        pytest.param(unknown("p", None, operation="delete"), Findings(rows={"p": tombstone(5)}), id="delete"),
        pytest.param(
            unknown("p", GADGET),
            Findings(rows={"p": row(5, {**GADGET, "price": 5.0})}),
            id="5 and 5.00 are one price",
        ),
    ],
)
def test_an_unknown_write_found_persisted_is_recovered(write: Write, findings: Findings) -> None:
    verdict = judged([acknowledged("q", 1), write, write], findings)
    assert verdict.recovered == ("p",)
    assert verdict.unexpected == ()
    assert (verdict.unknown, verdict.acknowledged) == (2, 1)


@pytest.mark.parametrize(
    ("write", "findings"),
    [
        pytest.param(unknown("p"), Findings(), id="not there"),
        pytest.param(unknown("p"), Findings(rows={"p": row(5)}, since=5), id="older than the run"),
        pytest.param(
            unknown("p", None, operation="delete"), Findings(rows={"p": row(5)}, since=5), id="not deleted"
        ),
    ],
)
def test_an_unknown_write_not_found_is_neither_recovered_nor_lost(write: Write, findings: Findings) -> None:
    verdict = judged([acknowledged("q", 9), write], findings)
    assert (verdict.recovered, verdict.fates["lost"], verdict.unexpected) == ((), 1, ())


def test_an_unknown_write_is_not_taken_for_an_acknowledged_one_of_the_same_value() -> None:
    verdict = judged([acknowledged("p", 5), unknown("p")], Findings(rows={"p": row(5)}))
    assert (verdict.recovered, verdict.fates["persisted"]) == ((), 1)


def test_each_stranger_is_explained_by_one_unknown_create_at_most() -> None:
    writes = [acknowledged("q", 1), unknown(None, operation="create")]
    verdict = judged(writes, Findings(rows={"q": row(1)}, unattributed={"a": row(5), "b": row(6)}))
    assert len(verdict.recovered) == 1
    assert {*verdict.recovered, *verdict.unexpected} == {"a", "b"}


@pytest.mark.parametrize(
    ("writes", "findings"),
    [
        pytest.param([refused("p")], Findings(rows={"p": row(5)}), id="refused, but found"),
        pytest.param(
            [unknown("p", WIDGET)], Findings(rows={"p": row(5, GADGET)}), id="attempted with another value"
        ),
        pytest.param(
            [acknowledged("p", 5, WIDGET)],
            Findings(rows={"p": row(5, GADGET)}),
            id="not the acknowledged value",
        ),
        pytest.param(
            [deleted("p", 5)], Findings(rows={"p": row(5)}), id="deleted, but a row of that version"
        ),
        pytest.param(
            [acknowledged("p", 5, WIDGET), acknowledged("p", 5, GADGET)],
            Findings(rows={"p": row(5, GADGET)}),
            id="two values acknowledged under one version",
        ),
        pytest.param([acknowledged("p", 5)], Findings(rows={"p": row(7)}), id="a version nobody was given"),
        pytest.param([], Findings(unattributed={"p": row(5)}), id="a stranger"),
    ],
)
def test_what_nobody_acknowledged_is_unexpected(writes: list[Write], findings: Findings) -> None:
    verdict = judged([acknowledged("q", 1), *writes], findings)
    assert (verdict.unexpected, verdict.validity) == (("p",), "invalid")
    assert "1 product is in the database" in verdict.reasons[0]


def test_a_row_from_before_the_run_is_not_unexpected() -> None:
    verdict = judged([acknowledged("p", 20)], Findings(rows={"p": row(5, GADGET)}, since=10))
    assert (verdict.unexpected, verdict.validity, verdict.fates["lost"]) == ((), "valid", 1)


@pytest.mark.parametrize(
    ("rows", "regressed"),
    [({"p": row(4)}, ("p",)), ({}, ("p",)), ({"p": row(5)}, ()), ({"p": tombstone(6)}, ())],
    ids=["older", "vanished", "the same", "deleted since"],
)
def test_a_row_older_than_seen_before_has_regressed(rows: Any, regressed: tuple[str, ...]) -> None:
    verdict = judged([acknowledged("p", 5)], Findings(rows=rows, seen={"p": 5}, since=9))
    assert verdict.regressed == regressed
    assert verdict.validity == ("invalid" if regressed else "valid")


@pytest.mark.parametrize(
    ("found", "diverged"),
    [
        pytest.param(Findings(rows={"p": row(5)}, cached={"p": row(5)}), False, id="the same"),
        pytest.param(Findings(rows={"p": row(5)}), False, id="not cached"),
        pytest.param(
            Findings(rows={"p": row(5)}, cached={"p": row(5, {**WIDGET, "id": "p", "version": 5})}),
            False,
            id="a document with more in it",
        ),
        pytest.param(Findings(rows={"p": tombstone(5)}, cached={"p": tombstone(5)}), False, id="deleted"),
        pytest.param(Findings(cached={"p": tombstone(5)}), False, id="deleted before it was persisted"),
        pytest.param(Findings(rows={"p": row(5)}, cached={"p": row(4)}), True, id="older"),
        pytest.param(Findings(rows={"p": row(5)}, cached={"p": row(6)}), True, id="a phantom"),
        pytest.param(Findings(cached={"p": row(5)}), True, id="a phantom of no row"),
        pytest.param(Findings(rows={"p": row(5)}, cached={"p": row(5, GADGET)}), True, id="another value"),
        pytest.param(Findings(rows={"p": tombstone(5)}, cached={"p": row(4)}), True, id="deleted, but shown"),
        pytest.param(Findings(rows={"p": row(5)}, cached={"p": tombstone(6)}), True, id="there, but hidden"),
        pytest.param(
            Findings(rows={"p": row(5)}, cached={"p": row(6)}, pending={"p": [row(6)]}),
            False,
            id="ahead while pending",
        ),
    ],
)
def test_the_cache_must_equal_the_row_once_it_is_quiet(found: Findings, *, diverged: bool) -> None:
    write = deleted("p", 5) if found.rows.get("p") == tombstone(5) else acknowledged("p", 5)
    verdict = judged([write, acknowledged("p", 6)], found)
    assert verdict.diverged == (("p",) if diverged else ())
    assert verdict.validity == ("invalid" if diverged else "valid")


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


@pytest.mark.parametrize(
    ("findings", "unexplained"),
    [
        pytest.param(Findings(dead_letters={"p": [row(5)]}), (), id="its own"),
        pytest.param(Findings(dead_letters={"p": [row(5, GADGET)]}), ("p",), id="its version, another value"),
        pytest.param(Findings(dead_letters={"q": [row(9 * 10**15)]}), ("q",), id="a planted letter"),
        pytest.param(Findings(pending={"p": [row(6)]}), ("p",), id="a planted entry"),
        pytest.param(Findings(dead_letters={"q": [row(9)]}, since=9), (), id="a letter of before the run"),
        pytest.param(Findings(dead_letters={"q": [row(0)]}), (), id="no letter at all"),
        pytest.param(Findings(dead_letters={"u": [row(7, GADGET)]}), (), id="an unanswered update's"),
        pytest.param(
            Findings(dead_letters={"z": [row(7, {**GADGET, "name": "new"})]}), (), id="an unanswered create's"
        ),
    ],
)
def test_entries_that_no_write_explains_are_told(findings: Findings, unexplained: tuple[str, ...]) -> None:
    writes = [P5, unknown("u", GADGET), unknown(None, {**GADGET, "name": "new"}, operation="create")]
    verdict = judged(writes, findings)
    assert verdict.checks["unexplained"].evidence == unexplained
    assert verdict.validity == ("invalid" if unexplained else "valid")


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
