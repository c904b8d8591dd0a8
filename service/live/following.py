"""Follows the newest writes from their acknowledgement to PostgreSQL, or to whatever else becomes of them.

Pure: the sampler tells it what Redis and PostgreSQL said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, assert_never

import msgspec

from service.writebehind.scripts.following import Place

State = Literal["queued", "in flight", "persisted", "coalesced", "retry", "dead letter", "lost"]

#: Writes that are followed at once.
FOLLOWED: Final = 20
#: How long an end stays in view, at least, and at most.
_SHOWN_S: Final = 1.5
_KEPT_S: Final = 15.0
#: How long a write may stay where it is before a newer one may take its place.
_STANDING_S: Final = 3.0
_ENDS: Final = frozenset({"persisted", "coalesced", "lost"})
#: What is only known once PostgreSQL has been asked.
_ASK_ROW: Final = frozenset({"replaced", "gone"})

Write = tuple[str, int]


class FollowedWrite(msgspec.Struct, frozen=True):
    """A write as the page shows it."""

    id: str
    version: int
    state: State
    #: Unix time at which it was first seen in this state, in s.
    since: float


@dataclass(slots=True)
class _Followed:
    state: State
    since: float
    #: Whether the last look could not tell where it is.
    hidden: bool = False

    def enter(self, state: State | None, now: float) -> None:
        """It is in this state; None: that is not known."""
        self.hidden = state is None
        if state is not None and state != self.state:
            self.state, self.since = state, now


class Following:
    """The newest writes, at most 20 of them."""

    def __init__(self) -> None:
        self._writes: dict[Write, _Followed] = {}

    def add(self, writes: Iterable[Write], now: float) -> None:
        """These writes were acknowledged, oldest first. The newest of them are followed if there is room: a
        write keeps its place while it moves."""
        new = [write for write in dict.fromkeys(writes) if write not in self._writes][-FOLLOWED:]
        leaving = sorted(
            (write for write in self._writes if self._may_leave(write, now)),
            key=lambda write: self._writes[write].since,
        )
        room = FOLLOWED - len(self._writes)
        for write in leaving[: max(0, len(new) - room)]:
            del self._writes[write]
        room = FOLLOWED - len(self._writes)
        for write in new[len(new) - min(room, len(new)) :]:
            self._writes[write] = _Followed("queued", now, hidden=True)

    def fill_up(self, writes: Iterable[Write], now: float) -> None:
        """Follow these as well if there is room for them."""
        for write in writes:
            if write not in self._writes and len(self._writes) < FOLLOWED:
                self._writes[write] = _Followed("queued", now, hidden=True)

    def asked(self) -> list[Write]:
        """The writes of which Redis is to be asked where they are."""
        return [write for write, followed in self._writes.items() if followed.state not in _ENDS]

    def learn(
        self, places: Mapping[Write, Place], rows: Mapping[str, int] | None, now: float, *, coalescing: bool
    ) -> None:
        """Take in one look.

        Args:
            places: Where Redis said that each write is.
            rows: The version that PostgreSQL holds of each product that `in_question` named; None if it did
                not answer. It was asked after Redis.
            now: Unix time, in s.
            coalescing: Whether newer writes replace pending ones.
        """
        in_hand = _newest_in_hand(places)
        for write, place in places.items():
            if place == "written" and write not in in_hand:
                place = "replaced"
            if (followed := self._writes.get(write)) is not None:
                followed.enter(_state(write, place, rows, coalescing=coalescing), now)
        self._forget(now)

    def shown(self) -> list[FollowedWrite]:
        """The writes whose state is known, oldest first."""
        return [
            FollowedWrite(product, version, followed.state, followed.since)
            for (product, version), followed in self._writes.items()
            if not followed.hidden
        ]

    def _may_leave(self, write: Write, now: float) -> bool:
        followed = self._writes[write]
        return now - followed.since >= (_SHOWN_S if followed.state in _ENDS else _STANDING_S)

    def _forget(self, now: float) -> None:
        for write, followed in list(self._writes.items()):
            if followed.state in _ENDS and now - followed.since >= _KEPT_S:
                del self._writes[write]


def in_question(places: Mapping[Write, Place]) -> list[str]:
    """The products whose rows decide what became of a write."""
    return sorted({write[0] for write, place in places.items() if place in _ASK_ROW or place == "written"})


def _newest_in_hand(places: Mapping[Write, Place]) -> frozenset[Write]:
    """Of each product of which a worker has an older version in hand, the newest that this can be."""
    newest: dict[str, int] = {}
    for (product, version), place in places.items():
        if place == "written":
            newest[product] = max(version, newest.get(product, 0))
    return frozenset(newest.items())


def _state(write: Write, place: Place, rows: Mapping[str, int] | None, *, coalescing: bool) -> State | None:
    """What became of a write; None if that is not known."""
    match place:
        case "queued" | "retry" | "in flight" | "dead letter":
            return place
        case "written":
            return "in flight"
        case "unknown":
            return None
        case "replaced" | "gone":
            return None if rows is None else _by_row(place, write[1], rows.get(write[0], 0), coalescing)
        case _:
            assert_never(place)


def _by_row(place: Place, version: int, row: int, coalescing: bool) -> State | None:
    if row == version:
        return "persisted"
    if row < version and place == "gone":
        return "lost"
    # A newer write has taken its place. Without coalescing, it may have reached PostgreSQL before.
    return "coalesced" if coalescing else None
