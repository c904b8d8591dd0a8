"""The wait until everything is flushed. It ends early if that can't happen."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, Protocol

from scenarios.events import Event
from stack.errors import DeadlinePassed, NotRunning
from stack.spec.events import Advanced
from stack.spec.hints import labctl
from stack.wait import waiting

#: How long Redis or PostgreSQL may be away before the wait ends: one that restarts is back by then.
_LONGEST_ABSENCE_S: Final = 3.0
_DATABASE_PING_INTERVAL_S: Final = 0.5
HINT: Final = f"{labctl('status')} says what runs; {labctl('up')} repairs it"


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is not in PostgreSQL yet."""

    queue: int
    inflight: int
    retrying: int
    dead_letters: int
    backlog: int

    @property
    def unsettled(self) -> int:
        return self.queue + self.inflight + self.retrying


@dataclass(frozen=True, slots=True)
class Settled:
    """How the wait ended."""

    quiet: bool
    #: What keeps the rest from being written: "PostgreSQL does not answer: …". Empty if only time ran out.
    culprit: str = ""


class Look(Protocol):
    """What the wait reads; see `Probe`."""

    def depth(self) -> Depth: ...

    def ping_database(self) -> None: ...


class _Away:
    """How long a server has been away."""

    def __init__(self) -> None:
        self._since: float | None = None
        self.error: NotRunning | None = None

    def saw(self, error: NotRunning | None) -> None:
        self.error = error
        if error is None:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()

    @property
    def too_long(self) -> bool:
        return self._since is not None and time.monotonic() - self._since >= _LONGEST_ABSENCE_S


class _Wait:
    def __init__(self, look: Look) -> None:
        self._look = look
        self.redis, self.database = _Away(), _Away()
        self._looked_at = -_DATABASE_PING_INTERVAL_S
        self.left: int | None = None

    def over(self) -> bool:
        """Whether everything is flushed, or can't be."""
        try:
            self.left = self._look.depth().unsettled
            self.redis.saw(None)
        except NotRunning as error:
            self.redis.saw(error)
            return self.redis.too_long
        return self.left == 0 or self._database_away()

    def _database_away(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at >= _DATABASE_PING_INTERVAL_S:
            try:
                self._look.ping_database()
                self.database.saw(None)
            except NotRunning as error:
                self.database.saw(error)
            # A ping of a frozen server takes long.
            self._looked_at = time.monotonic()
        return self.database.too_long


def settle(look: Look, seconds: float) -> Generator[Event, None, Settled]:
    """Wait until nothing is queued, in flight or waiting for a retry.

    Raises:
        NotRunning: Redis did not answer for too long.
    """
    wait, label, most = _Wait(look), "waiting until everything is flushed", 0
    try:
        for _ in waiting(wait.over, seconds=seconds, reason="the queue is empty", hint=HINT):
            if wait.left is not None:
                most = max(most, wait.left)
                yield Advanced(label, most - wait.left, most)
    except DeadlinePassed:
        return Settled(quiet=False)
    if wait.redis.error is not None:
        raise wait.redis.error
    error = wait.database.error
    if wait.left and error is not None:
        return Settled(quiet=False, culprit=error.message)
    if most:
        yield Advanced(label, most, most)
    return Settled(quiet=True)
