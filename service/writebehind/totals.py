"""The running totals of the write path. The Lua scripts count them, by these names, in `keys.TOTALS`."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypedDict, cast, get_type_hints

from msgspec import Meta


class Totals(TypedDict):
    """What was counted since Redis' memory began."""

    accepted: Annotated[int, Meta(description="Writes acknowledged from the cache")]
    coalesced: Annotated[
        int,
        Meta(
            description="Acknowledged writes that a later write of the same product replaced before the flush"
        ),
    ]
    persisted: Annotated[int, Meta(description="Entries that reached PostgreSQL")]
    rows_written: Annotated[int, Meta(description="Rows that SQL inserted, updated or deleted")]
    batches: Annotated[int, Meta(description="SQL statements that flushed entries")]
    retried: Annotated[int, Meta(description="Attempts that failed and were scheduled again")]
    # It falls when letters are put back.
    dead_lettered: Annotated[int, Meta(description="Entries in the dead letter queue or dropped from it")]
    given_up: Annotated[
        int, Meta(description="Entries that became dead letters, whatever became of the letters")
    ]
    requeued: Annotated[int, Meta(description="Dead letters that were put back")]
    written_through: Annotated[
        int, Meta(description="Writes committed to PostgreSQL before they were acknowledged")
    ]


#: Beside the totals: acknowledged writes that are persisted or dead letters, or that a persisted write of the
#: same product followed. `accepted` without them is what only Redis has. It is set to `accepted` when nothing
#: is pending, so it is not a total.
SETTLED: Final = b"settled"


def _description(hint: Any) -> str:
    return str(hint.__metadata__[0].description)


#: What each total counts, by name.
TOTALS: Final[Mapping[str, str]] = {
    name: _description(hint) for name, hint in get_type_hints(Totals, include_extras=True).items()
}

#: Totals that may fall: they are not counters.
FALLING: Final = ("dead_lettered",)


def counts(totals: Totals) -> Iterable[tuple[str, int]]:
    """Each total's name and count."""
    return cast("Mapping[str, int]", totals).items()


def parse_totals(held: Mapping[bytes, bytes]) -> Totals:
    """The totals as Redis holds them: 0 for one that never moved or is not a number.

    >>> parse_totals({b"accepted": b"7", b"batches": b"junk"})["accepted"]
    7
    """
    return cast("Totals", {name: _count(held.get(name.encode(), b"")) for name in TOTALS})


def _count(text: bytes) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
