"""Every class and every finding of the verdict, one scripted history each."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from scenarios.findings import Findings
from scenarios.ledger import Write
from scenarios.verdict import SCHEMA, Class, Validity, judge, merge
from tests.unit.scenarios.histories import (
    GADGET,
    WIDGET,
    acknowledged,
    deleted,
    refused,
    row,
    tombstone,
    unknown,
)


@pytest.mark.parametrize(
    ("fate", "write", "findings"),
    [
        pytest.param("persisted", acknowledged("p", 5), Findings(rows={"p": row(5)}), id="its version"),
        pytest.param(
            "persisted", deleted("p", 5), Findings(rows={"p": tombstone(5)}), id="delete: tombstone"
        ),
        pytest.param("superseded", acknowledged("p", 5), Findings(rows={"p": row(6)}), id="newer row"),
        pytest.param(
            "superseded", acknowledged("p", 5), Findings(rows={"p": tombstone(6)}), id="newer tombstone"
        ),
        pytest.param(
            "dead_lettered",
            acknowledged("p", 5),
            Findings(dead_letters={"p": frozenset({5})}),
            id="a dead letter, no row",
        ),
        pytest.param(
            "dead_lettered",
            acknowledged("p", 5),
            Findings(rows={"p": row(4)}, dead_letters={"p": frozenset({5})}),
            id="a dead letter, older row",
        ),
        pytest.param(
            "dead_lettered",
            acknowledged("p", 5),
            Findings(dead_letters={"p": frozenset({7})}),
            id="coalesced into a newer write that is dead-lettered",
        ),
        pytest.param(
            "pending", acknowledged("p", 5), Findings(pending={"p": frozenset({5})}), id="still queued"
        ),
        pytest.param(
            "pending",
            acknowledged("p", 5),
            Findings(rows={"p": row(1)}, pending={"p": frozenset({9})}),
            id="coalesced into a newer write that is queued",
        ),
        pytest.param("lost", acknowledged("p", 5), Findings(), id="nowhere"),
        pytest.param("lost", acknowledged("p", 5), Findings(rows={"p": row(4)}), id="only an older row"),
        pytest.param(
            "lost", deleted("p", 5), Findings(rows={"p": row(4)}), id="delete: the row is still there"
        ),
        pytest.param(
            "lost",
            acknowledged("p", 5),
            Findings(dead_letters={"p": frozenset({4})}, pending={"p": frozenset({3})}),
            id="only older ones wait",
        ),
        pytest.param(
            "lost", acknowledged("p", None), Findings(rows={"p": row(9)}), id="acknowledged without a version"
        ),
        pytest.param("lost", acknowledged(None, 5), Findings(), id="acknowledged without a product"),
    ],
)
def test_the_class_of_an_acknowledged_write(fate: Class, write: Write, findings: Findings) -> None:
    verdict = judge([write], findings)
    assert verdict.fates == {**dict.fromkeys(verdict.fates, 0), fate: 1}
    assert [judged.fate for judged in verdict.judged] == [fate]
    assert verdict.acknowledged == 1


@pytest.mark.parametrize(
    ("fate", "rows", "dead", "pending"),
    [
        ("persisted", {"p": row(5)}, {5}, {5}),
        ("superseded", {"p": row(6)}, {5}, {5}),
        ("dead_lettered", {"p": row(4)}, {5}, {5}),
        ("pending", {"p": row(4)}, {4}, {5}),
    ],
)
def test_the_first_class_that_matches_wins(fate: Class, rows: Any, dead: set[int], pending: set[int]) -> None:
    findings = Findings(
        rows=rows, dead_letters={"p": frozenset(dead)}, pending={"p": frozenset(pending)}, since=100
    )
    assert judge([acknowledged("p", 5)], findings).judged[0].fate == fate


@pytest.mark.parametrize("missing", [None, Findings()])
@pytest.mark.parametrize("writes", [[], [refused("p")], [unknown("p")]])
def test_without_an_acknowledgement_nothing_is_valid(
    writes: Sequence[Write], missing: Findings | None
) -> None:
    verdict = judge(writes, missing)
    assert verdict.validity == "unknown"
    assert any("no write was acknowledged" in reason for reason in verdict.reasons)


def test_without_a_final_read_nothing_is_valid_and_nothing_called_lost() -> None:
    verdict = judge([acknowledged("p", 5), acknowledged("q", None)], None)
    assert verdict.validity == "unknown"
    assert verdict.reasons == ("the database could not be read at the end",)
    assert (verdict.fates["lost"], verdict.fates["pending"], verdict.lost_products) == (0, 2, ())


def test_a_loss_is_no_fault_of_the_measurement() -> None:
    verdict = judge([acknowledged("p", 5)], Findings())
    assert (verdict.validity, verdict.reasons, verdict.fates["lost"]) == ("valid", (), 1)


def test_lost_writes_and_products_whose_last_value_is_lost_are_two_figures() -> None:
    writes = [
        # The last write of `a` is lost, and one before it; `b` lost one that a later one replaced anyway.
        *(acknowledged("a", version) for version in (3, 2, 1)),
        *(acknowledged("b", version) for version in (1, 2)),
        acknowledged("c", 1),
    ]
    verdict = judge(writes, Findings(rows={"a": row(1), "b": row(2)}))
    assert (verdict.fates["lost"], verdict.lost_products) == (3, ("a", "c"))


def test_the_last_write_of_a_product_is_that_of_the_highest_version() -> None:
    # Answers may arrive in another order than Redis took the writes in.
    verdict = judge(
        [acknowledged("p", 9), acknowledged("p", 2)], Findings(pending={"p": frozenset({2})}, since=0)
    )
    assert [judged.fate for judged in verdict.judged] == ["lost", "pending"]
    assert verdict.lost_products == ("p",)


@pytest.mark.parametrize(
    ("write", "findings"),
    [
        pytest.param(unknown("p"), Findings(rows={"p": row(5)}), id="update"),
        pytest.param(
            unknown(None, operation="create"), Findings(strangers={"p": row(5)}), id="create, by its value"
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
    verdict = judge([acknowledged("q", 1), write, write], findings)
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
    verdict = judge([acknowledged("q", 9), write], findings)
    assert (verdict.recovered, verdict.fates["lost"], verdict.unexpected) == ((), 1, ())


def test_an_unknown_write_is_not_taken_for_an_acknowledged_one_of_the_same_value() -> None:
    verdict = judge([acknowledged("p", 5), unknown("p")], Findings(rows={"p": row(5)}))
    assert (verdict.recovered, verdict.fates["persisted"]) == ((), 1)


def test_each_stranger_is_explained_by_one_unknown_create_at_most() -> None:
    writes = [acknowledged("q", 1), unknown(None, operation="create")]
    verdict = judge(writes, Findings(rows={"q": row(1)}, strangers={"a": row(5), "b": row(6)}))
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
        pytest.param([], Findings(strangers={"p": row(5)}), id="a stranger"),
    ],
)
def test_what_nobody_acknowledged_is_unexpected(writes: list[Write], findings: Findings) -> None:
    verdict = judge([acknowledged("q", 1), *writes], findings)
    assert (verdict.unexpected, verdict.validity) == (("p",), "invalid")
    assert "1 product is in the database" in verdict.reasons[0]


def test_a_row_from_before_the_run_is_not_unexpected() -> None:
    verdict = judge([acknowledged("p", 20)], Findings(rows={"p": row(5, GADGET)}, since=10))
    assert (verdict.unexpected, verdict.validity, verdict.fates["lost"]) == ((), "valid", 1)


@pytest.mark.parametrize(
    ("rows", "regressed"),
    [({"p": row(4)}, ("p",)), ({}, ("p",)), ({"p": row(5)}, ()), ({"p": tombstone(6)}, ())],
    ids=["older", "vanished", "the same", "deleted since"],
)
def test_a_row_older_than_seen_before_has_regressed(rows: Any, regressed: tuple[str, ...]) -> None:
    verdict = judge([acknowledged("p", 5)], Findings(rows=rows, seen={"p": 5}, since=9))
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
            Findings(rows={"p": row(5)}, cached={"p": row(6)}, pending={"p": frozenset({6})}),
            False,
            id="ahead while pending",
        ),
    ],
)
def test_the_cache_must_equal_the_row_once_it_is_quiet(found: Findings, *, diverged: bool) -> None:
    write = deleted("p", 5) if found.rows.get("p") == tombstone(5) else acknowledged("p", 5)
    verdict = judge([write], found)
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
    verdict = judge([], Findings(strangers={"p": row(5)}))
    assert (verdict.validity, len(verdict.reasons)) == ("invalid", 2)


def test_a_label_is_what_the_audience_reads() -> None:
    writes = [acknowledged("p", 1, group="safe"), deleted("p", 2)]
    verdict = judge(writes, Findings(rows={"p": tombstone(2)}))
    assert [(j.label, j.group) for j in verdict.judged] == [("Widget", "safe"), ("(delete)", "")]


def test_as_json() -> None:
    writes = [acknowledged("p", 1, group="g"), refused("p"), unknown("q")]
    document = json.loads(json.dumps(judge(writes, Findings()).to_json()))
    assert next(iter(document)) == "schema"
    assert document == {
        "schema": SCHEMA,
        "validity": "valid",
        "reasons": [],
        "acknowledged": 1,
        "refused": 1,
        "unknown": 1,
        "fates": {"persisted": 0, "superseded": 0, "dead_lettered": 0, "pending": 0, "lost": 1},
        "lost_products": ["p"],
        "recovered": [],
        "unexpected": [],
        "regressed": [],
        "diverged": [],
        "judged": [{"product": "p", "version": 1, "group": "g", "label": "Widget", "fate": "lost"}],
    }
    assert SCHEMA == 1
