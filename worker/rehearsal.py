"""Is a row at fault, or PostgreSQL? Rows that are known to be good are written on trial to find out."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal

from service.writebehind.entry import finish, is_tombstone, timestamp, tombstone_head
from service.writebehind.errors import OutcomeUnknown, RowsRefused, StoreUnavailable
from service.writebehind.scripts.flushing import Claimed
from service.writebehind.store import Store, StoredProduct

#: sound: good rows pass, so the row is at fault. alike: good rows are refused like it. unclear: neither.
Finding = Literal["sound", "alike", "unclear"]

#: How many rows from PostgreSQL are tried at most.
_EXAMPLES: Final = 4
#: A trial does not wait behind a lock.
_LOCK_MS: Final = 100


def rehearse(store: Store, refused: Claimed, error: RowsRefused) -> Finding:
    """Try with good rows what failed with `refused`: an insert, update or delete. Nothing is left behind.

    One that passes is enough. Several are tried, since PostgreSQL may have taken a row before it became bad.
    """
    try:
        findings = set()
        for entry in _examples(store, refused):
            finding = _try(store, entry, error)
            if finding == "sound":
                return "sound"
            findings.add(finding)
    except (StoreUnavailable, OutcomeUnknown):
        # Even reading the table fails.
        return "alike"
    return "alike" if "alike" in findings else "unclear"


def _try(store: Store, entry: bytes, error: RowsRefused) -> Finding:
    try:
        store.rehearse([entry], lock_ms=_LOCK_MS)
    except RowsRefused as other:
        return "alike" if other.sqlstate == error.sqlstate else "unclear"
    return "sound"


def _examples(store: Store, refused: Claimed) -> Iterator[bytes]:
    others = [row for row in store.newest(_EXAMPLES + 1) if row.id != refused.id][:_EXAMPLES]
    if is_tombstone(refused.entry):
        for row in others or [_plain()]:
            yield _deleted(row)
    elif others and store.get(refused.id) is not None:
        for row in others:
            yield replace(row, version=row.version + 1).document()
    else:
        yield _plain().document()
        for row in others:
            yield replace(row, id=str(uuid.uuid4())).document()


def _plain() -> StoredProduct:
    """A product that breaks no rule."""
    now = datetime.now(UTC)
    return StoredProduct(str(uuid.uuid4()), "Rehearsal", Decimal(1), 1, now, now, 1)


def _deleted(row: StoredProduct) -> bytes:
    now = timestamp()
    return finish(tombstone_head(row.id), created_at=now, updated_at=now, version=row.version + 1)
