"""Dead letters and pending entries that no write of the run explains."""

from collections.abc import Iterator
from typing import Final

from scenarios.judge.case import Case
from scenarios.judge.checks.places import Entries
from scenarios.judge.checks.result import Counted, Result
from scenarios.judge.final_read import StoredValue
from scenarios.judge.values import comparable

_NOT_COUNTED: Final = "a value that was never acknowledged; these are not counted"


def unexplained(case: Case) -> Result:
    """Every dead letter and every pending entry that was made during this run comes from one of its writes.
    Dead letters from before the run are ignored."""
    read = case.read
    letters = sorted({p for p, held in _unexplained(case, read.dead_letters)})
    waiting = sorted({p for p, held in _unexplained(case, read.pending)})
    reasons = [
        Counted(len(products), f"{one} {_NOT_COUNTED}", f"{many} {_NOT_COUNTED}")
        for products, one, many in (
            (letters, "product has a dead letter with", "products have dead letters with"),
            (waiting, "product has a pending entry with", "products have pending entries with"),
        )
        if products
    ]
    return Result(
        validity="invalid" if reasons else "valid" if read.reads("dead_letters", "pending") else "unknown",
        reasons=tuple(reasons),
        evidence=tuple(dict.fromkeys([*letters, *waiting])),
    )


def _unexplained(case: Case, entries: Entries) -> Iterator[tuple[str, StoredValue]]:
    for product, several in entries.items():
        for held in several:
            acknowledged = (product, held.version) in case.by_version
            if (held.version > case.read.since or acknowledged) and not _explained(case, product, held):
                yield product, held


def _explained(case: Case, product: str, held: StoredValue) -> bool:
    return bool(case.writers(product, held) or case.unanswered.get((None, comparable(held.value))))
