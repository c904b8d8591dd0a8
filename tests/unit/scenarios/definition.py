"""The classes of acknowledged writes, exactly as the contract defines them, however slow that is.

Nothing here is shared with the verdict but plain data. Crashes are not part of it: see simulation.py.
"""

from collections.abc import Sequence

from scenarios.judge.final_read import Findings, StoredValue
from scenarios.judge.ledger import Write


def same_value(one: object, other: object) -> bool:
    """In these tests a value is identified by its name."""

    def name(value: object) -> object:
        return value["name"] if isinstance(value, dict) else None

    return name(one) == name(other)


def authors(ledger: Sequence[Write], product: str, held: StoredValue, since: int) -> list[Write]:
    """All writes that a stored value may come from."""
    acknowledged = [
        w for w in ledger if w.answer == "acknowledged" and (w.product, w.version) == (product, held.version)
    ]
    if acknowledged:
        return [w for w in acknowledged if same_value(w.value, held.value)]
    if held.version <= since:
        return []
    return [
        w
        for w in ledger
        if w.answer == "unknown" and w.product == product and same_value(w.value, held.value)
    ]


def followed(author: Write, write: Write) -> bool:
    """Whether the author's write was not over when this one began. An unanswered one never is."""
    return author.answer == "unknown" or not author.finished_at < write.sent_at


def possible_classes(ledger: Sequence[Write], found: Findings, write: Write) -> set[str]:
    """Every class that the write may have, given what is known. One, unless something is unknown."""
    assert write.product is not None
    assert write.version is not None
    if seen_waiting(ledger, found, write):
        return {"pending"}
    classes: set[str] = set()
    for in_row in possible_in_rows(ledger, found, write):
        if in_row is not None:
            classes.add(in_row)
            continue
        for dead in in_entries(ledger, found, write, "dead_letters"):
            if dead:
                classes.add("dead_lettered")
                continue
            for waits in in_entries(ledger, found, write, "pending"):
                classes.add("pending" if waits else "lost")
    return classes


def seen_waiting(ledger: Sequence[Write], found: Findings, write: Write) -> bool:
    """Whether it was itself seen waiting, while nothing else that could be read says otherwise, and something
    could not: what was seen to wait does wait, and does so at the least."""
    if not found.unread.keys() & {"rows", "dead_letters"}:
        return False
    if "rows" not in found.unread and possible_in_rows(ledger, found, write) != {None}:
        return False
    if in_entries(ledger, found, write, "dead_letters") == {True}:
        return False
    if "pending" in found.unread:
        return False
    entries = found.pending.get(write.product or "", ())
    return any(e.version == write.version and same_value(e.value, write.value) for e in entries)


def possible_in_rows(ledger: Sequence[Write], found: Findings, write: Write) -> set[str | None]:
    """One of persisted and superseded, or None for neither."""
    assert write.product is not None
    assert write.version is not None
    if "rows" in found.unread:
        return {"persisted", "superseded", None}
    row = found.rows.get(write.product)
    if row is None or row.version < write.version:
        return {None}
    if row.version == write.version:
        return {"persisted"}
    known = [
        w
        for w in ledger
        if w.answer == "acknowledged" and (w.product, w.version) == (write.product, row.version)
    ]
    possible = known or authors(ledger, write.product, row, found.since)
    if not possible:
        return {None} if row.version <= found.since else {"superseded", None}
    return {"superseded" if followed(author, write) else None for author in possible}


def in_entries(ledger: Sequence[Write], found: Findings, write: Write, part: str) -> set[bool]:
    """Whether one of these entries accounts for the write."""
    assert write.product is not None
    assert write.version is not None
    if part in found.unread:
        return {True, False}
    entries = found.dead_letters if part == "dead_letters" else found.pending
    answers = [account(ledger, found, write, entry) for entry in entries.get(write.product, ())]
    if {True} in answers:
        return {True}
    return {True, False} if {True, False} in answers else {False}


def account(ledger: Sequence[Write], found: Findings, write: Write, entry: StoredValue) -> set[bool]:
    assert write.product is not None
    assert write.version is not None
    if entry.version == write.version:
        return {same_value(entry.value, write.value)}
    if entry.version < write.version:
        return {False}
    possible = authors(ledger, write.product, entry, found.since)
    return {followed(author, write) for author in possible} or {False}
