"""What is known of a write that no flush is known to have taken. Pure: facts in, a sentence out."""

from collections.abc import Mapping
from typing import Final

from service.traces.life import Life, Outcome

_ABSENT: Final = (
    "No flush of it is in the trace store: either none took it, or its spans have not arrived yet."
)
_KNOWN: Final[Mapping[Outcome, str]] = {
    "lost": "No flush is known to have taken it, and neither Redis nor PostgreSQL holds it: it is lost.",
    "accepted": "No flush has taken it yet: it waits in the queue.",
    "in flight": "A worker has claimed it and is writing it.",
    "retrying": "It waits for the next attempt.",
    "dead-lettered": "PostgreSQL did not take it: it is a dead letter.",
    "persisted": "It is in PostgreSQL, but the spans of the flush are not in the trace store, or not yet.",
    "written through": "It was written through: no flush takes such a write.",
}


def unflushed(life: Life | None, version: int) -> str:
    """What became of a version whose trace has no flush.

    Args:
        life: What the API knows of the product; None: it could not be asked.
    """
    write = None if life is None else next((one for one in life.writes if one.version == version), None)
    if life is None or write is None:
        return _ABSENT
    if write.outcome in _KNOWN:
        return _KNOWN[write.outcome]
    if write.superseded_by is not None:
        return f"Version {write.superseded_by} replaced it in the queue."
    now = life.now
    newer = max(now.row_version or 0, now.pending_version or 0)
    if newer > version:
        traced = any(one.version == newer for one in life.writes)
        return (
            f"Version {newer}{'' if traced else ', which was not traced,'} replaced it, and is in "
            f"{'PostgreSQL' if newer == now.row_version else 'Redis'}. Whether this one was in PostgreSQL "
            "before that is not known."
        )
    return _ABSENT
