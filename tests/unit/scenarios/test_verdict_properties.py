"""What must hold for the verdict of any ledger on any findings, sensible or not."""

import json
from collections import Counter
from typing import Any, TypeVar, get_args

from hypothesis import given
from hypothesis import strategies as st

from scenarios.judge.checks.fates import Class
from scenarios.judge.checks.result import Validity, merge
from scenarios.judge.final_read import PARTS, Findings, StoredValue
from scenarios.judge.ledger import Answer, Operation, Write
from scenarios.judge.verdict import SCHEMA, Verdict
from tests.unit.scenarios.histories import acknowledged, judged, row

T = TypeVar("T")

#: Few products and few versions, so that everything meets everything.
products = st.sampled_from(["a", "b", "c"])
versions = st.integers(1, 6)
values = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=3),
        "price": st.none() | st.floats() | st.integers() | st.just(10**400) | st.text(max_size=2),
        "quantity": st.none() | st.integers(-1, 1) | st.booleans(),
    },
)
helds = st.builds(StoredValue, version=versions, value=values)
writes = st.builds(
    Write,
    product=st.none() | products,
    operation=st.sampled_from(get_args(Operation)),
    value=values,
    answer=st.sampled_from(get_args(Answer)),
    version=st.none() | versions,
    sent_at=st.floats(0, 5),
    finished_at=st.floats(0, 5),
    group=st.text(max_size=2),
)
ledgers = st.lists(writes, max_size=12)


def by_product(what: st.SearchStrategy[T]) -> st.SearchStrategy[dict[str, T]]:
    return st.dictionaries(products, what, max_size=3)


findings = st.builds(
    Findings,
    rows=by_product(helds),
    unattributed=st.dictionaries(st.sampled_from(["x", "y"]), helds, max_size=2),
    dead_letters=by_product(st.lists(helds, max_size=2)),
    pending=by_product(st.lists(helds, max_size=2)),
    cached=by_product(helds),
    seen=by_product(versions),
    since=st.integers(0, 6),
    unread=st.dictionaries(st.sampled_from(PARTS), st.just("away"), max_size=2),
)
validities = st.sampled_from(get_args(Validity))


def without_order(verdict: Verdict) -> tuple[Any, ...]:
    return (
        Counter(verdict.judged),
        {**verdict.to_json(), "judged": ()},
    )


@given(ledgers, findings)
def test_every_acknowledged_write_is_in_exactly_one_class(ledger: list[Write], found: Findings) -> None:
    verdict = judged(ledger, found)
    assert set(verdict.fates) == set(get_args(Class))
    assert sum(verdict.fates.values()) == verdict.acknowledged == len(verdict.judged)
    assert verdict.acknowledged + verdict.refused + verdict.unknown == len(ledger)
    assert Counter(one.fate for one in verdict.judged) == +Counter(verdict.fates)


@given(st.data(), ledgers, findings)
def test_the_order_of_the_answers_does_not_matter(
    data: st.DataObject, ledger: list[Write], found: Findings
) -> None:
    shuffled = data.draw(st.permutations(ledger))
    assert without_order(judged(shuffled, found)) == without_order(judged(ledger, found))


@given(ledgers, findings, versions)
def test_one_more_write_that_was_persisted_changes_nobody_elses_fate(
    ledger: list[Write], found: Findings, version: int
) -> None:
    before = judged(ledger, found)
    more = Findings(
        rows={**found.rows, "new": row(version)},
        unattributed=found.unattributed,
        dead_letters=found.dead_letters,
        pending=found.pending,
        cached={**found.cached, "new": row(version)},
        seen=found.seen,
        since=found.since,
        unread=found.unread,
    )
    after = judged([*ledger, acknowledged("new", version)], more)
    assert after.judged[:-1] == before.judged
    assert after.judged[-1].fate == ("undetermined" if "rows" in found.unread else "persisted")
    for finding in ("lost_products", "recovered", "unexpected", "regressed", "diverged"):
        assert getattr(after, finding) == getattr(before, finding)
    if before.acknowledged and not found.unread:
        assert (after.validity, after.reasons) == (before.validity, before.reasons)


@given(ledgers, findings)
def test_a_lost_product_has_a_lost_write(ledger: list[Write], found: Findings) -> None:
    verdict = judged(ledger, found)
    assert set(verdict.lost_products) <= {j.product for j in verdict.judged if j.fate == "lost"}


@given(ledgers, findings)
def test_a_verdict_that_is_not_valid_says_why(ledger: list[Write], found: Findings) -> None:
    verdict = judged(ledger, found)
    assert (verdict.validity == "valid") == (not verdict.reasons)
    if verdict.acknowledged == 0 or found.unread:
        assert verdict.validity != "valid"
    if verdict.unexpected or verdict.regressed or verdict.diverged:
        assert verdict.validity == "invalid"


@given(ledgers, findings)
def test_a_verdict_is_json(ledger: list[Write], found: Findings) -> None:
    document = judged(ledger, found).to_json()
    assert document["schema"] == SCHEMA
    assert json.loads(json.dumps(document))["acknowledged"] == document["acknowledged"]


@given(st.lists(validities), st.lists(validities), st.lists(validities))
def test_merging_is_associative_and_commutative(
    one: list[Validity], two: list[Validity], three: list[Validity]
) -> None:
    whole = merge([*one, *two, *three])
    assert merge([merge([*one, *two]), *three]) == merge([*one, merge([*two, *three])]) == whole
    assert merge([*three, *one, *two]) == whole


@given(st.lists(validities), validities)
def test_merging_is_monotonic(some: list[Validity], more: Validity) -> None:
    order = get_args(Validity)
    assert order.index(merge([*some, more])) >= order.index(merge(some))
