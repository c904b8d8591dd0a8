"""Every class of an acknowledged write, one scripted history each."""

import pytest

from scenarios.judge.checks.fates import Class
from scenarios.judge.final_read import Findings, StoredValue
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
