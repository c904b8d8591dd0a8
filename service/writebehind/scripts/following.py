"""Where single writes are on their way to PostgreSQL."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final, Literal

from service.writebehind import keys
from service.writebehind.scripts.script import Runner

#: What lua/follow.lua answers.
Place = Literal["queued", "in flight", "retry", "dead letter", "written", "replaced", "gone", "unknown"]

#: Dead letters that are looked through; Redis compares a thousand in less than 1 ms.
_LOOKED_THROUGH: Final = 1_000


def places(scripts: Runner, writes: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Place]:
    """Where each of these writes is, in one look.

    Args:
        writes: Id and version of each.
    """
    if not writes:
        return {}
    args: Iterator[Any] = chain.from_iterable(writes)
    reply = scripts.run(
        "follow",
        (keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.DLQ),
        (_LOOKED_THROUGH, *args),
    )
    return dict(zip(writes, (place.decode() for place in reply), strict=True))
