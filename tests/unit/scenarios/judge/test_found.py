"""Every finding about what the stores hold, one scripted history each."""

from typing import Any

import pytest

from scenarios.judge.final_read import Findings
from scenarios.judge.ledger import Write
from tests.unit.scenarios.histories import (
    GADGET,
    P5,
    WIDGET,
    acknowledged,
    deleted,
    judged,
    refused,
    row,
    tombstone,
    unknown,
)


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
