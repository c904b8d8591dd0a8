"""Where an acknowledged write can be: in its row, among the dead letters, among the pending entries."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from scenarios.judge.case import Answered, Case, precede
from scenarios.judge.final_read import StoredValue
from scenarios.judge.ledger import Write
from scenarios.judge.values import same

Place = Literal["persisted", "superseded", "dead_lettered", "pending"]
Entries = Mapping[str, Sequence[StoredValue]]

_FOREIGN: Final = "their rows hold values that this run did not write"
_MIXED: Final = "the values that were found may come from several writes"
_OTHERWISE: Final[Mapping[Answered, Answered]] = {"yes": "no", "no": "yes", "unclear": "unclear"}


def places(case: Case, write: Write) -> Iterator[tuple[Place, Answered, str]]:
    """For each place in turn, whether the write is there, and if that is unclear, why."""
    read = case.read
    yield _in_row(case, write)
    yield "dead_lettered", *among(case, write, read.dead_letters, read.unread.get("dead_letters"))
    yield "pending", *among(case, write, read.pending, read.unread.get("pending"))


def waits_itself(case: Case, write: Write) -> bool:
    """Whether a pending entry holds this very write."""
    entries = case.read.pending.get(write.product or "", ())
    return any(entry.version == write.version and same(entry.value, write.value) for entry in entries)


def among(case: Case, write: Write, entries: Entries, unread: str | None = None) -> tuple[Answered, str]:
    """Whether an entry holds the write, or one that superseded it. Entries that come from no write of the
    ledger don't count.

    Args:
        unread: Why the entries could not be read; None if they were.
    """
    if unread is not None:
        return "unclear", unread
    if write.product is None:
        return "no", ""
    answers = {_holds(case, write, write.product, entry) for entry in entries.get(write.product, ())}
    if "yes" in answers:
        return "yes", ""
    return ("unclear", _MIXED) if "unclear" in answers else ("no", "")


def _holds(case: Case, write: Write, product: str, entry: StoredValue) -> Answered:
    if write.version is None or entry.version < write.version:
        return "no"
    if entry.version == write.version:
        return "yes" if same(entry.value, write.value) else "no"
    writers = case.writers(product, entry)
    return _OTHERWISE[precede(writers, write)] if writers else "no"


def _in_row(case: Case, write: Write) -> tuple[Place, Answered, str]:
    if "rows" in case.read.unread:
        return "persisted", "unclear", case.read.unread["rows"]
    product, version = write.product, write.version
    row = case.read.rows.get(product) if product is not None else None
    if row is None or product is None or version is None or row.version < version:
        return "persisted", "no", ""
    if row.version == version:
        return "persisted", "yes", ""
    # If the row of an acknowledged version holds another value, the check `unexpected` reports it.
    writers = case.by_version.get((product, row.version)) or case.writers(product, row)
    if not writers:
        # A row from before the run was over before each of its writes. About any other row, nothing is known.
        return "superseded", "no" if row.version <= case.read.since else "unclear", _FOREIGN
    return "superseded", _OTHERWISE[precede(writers, write)], _MIXED
