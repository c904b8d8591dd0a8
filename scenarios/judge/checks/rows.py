"""Rows that should not exist, or should be different: unexpected, recovered, regressed."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from scenarios.judge.case import Case
from scenarios.judge.checks.result import Counted, Result
from scenarios.judge.ledger import Write
from scenarios.judge.values import Comparable, comparable, same

#: The check of the final read says why.
_UNREAD: Final = Result(validity="unknown")


def unexpected(case: Case) -> Result:
    """No row holds a value that was never acknowledged, unless an unanswered write explains it."""
    read = case.read
    if not read.reads("rows"):
        return _UNREAD
    explained = _recovered(case)
    wrong = set(read.unattributed) - explained
    for product, row in read.rows.items():
        # If one version was acknowledged with two values, no row can be right.
        writers = case.by_version.get((product, row.version), ())
        foreign = not writers and row.version > read.since and product not in explained
        if foreign or not all(same(row.value, write.value) for write in writers):
            wrong.add(product)
    what = "in the database with a value that was never acknowledged; did another client write to this lab?"
    return _products(wrong, what)


def recovered(case: Case) -> Result:
    """Products of unanswered writes that are in the database. This is never invalid."""
    if not case.read.reads("rows"):
        return _UNREAD
    return Result(evidence=tuple(sorted(_recovered(case))))


def regressed(case: Case) -> Result:
    """No row is gone, or older than it was seen earlier in the run."""
    if not case.read.reads("rows"):
        return _UNREAD
    newest = dict(case.read.seen)
    for product, sightings in case.history.sightings.seen.items():
        newest[product] = max(newest.get(product, 0), *(sighting.version for sighting in sightings))
    rows = case.read.rows
    older = {p for p, version in newest.items() if p not in rows or rows[p].version < version}
    return _products(older, "older in the database than seen before")


def _products(products: set[str], what: str) -> Result:
    if not products:
        return Result()
    return Result(
        validity="invalid",
        reasons=(Counted(len(products), f"product is {what}", f"products are {what}"),),
        evidence=tuple(sorted(products)),
    )


def _recovered(case: Case) -> frozenset[str]:
    """Products whose row an unanswered write explains."""
    read = case.read
    recovered = {
        product
        for product, row in read.rows.items()
        if row.version > read.since
        and (product, row.version) not in case.by_version
        and case.unanswered.get((product, comparable(row.value)))
    }
    # The server assigns the id of a create: without an answer, only its value identifies the product.
    unclaimed: dict[Comparable, list[str]] = defaultdict(list)
    for product, row in sorted(read.unattributed.items()):
        unclaimed[comparable(row.value)].append(product)
    for (named, value), writes in case.unanswered.items():
        if named is None:
            recovered.update(_claimed(unclaimed[value], writes))
    return frozenset(recovered)


def _claimed(products: list[str], writes: Sequence[Write]) -> list[str]:
    """Each unanswered create explains at most one of the products."""
    return products[max(0, len(products) - len(writes)) :]
