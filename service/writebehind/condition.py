"""Whether due writes are flushed: the workers, what waits, and how long it has been due.

Pure: its input is what lua/condition.lua found.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from service.writebehind import keys
from service.writebehind.errors import InvalidSettings
from service.writebehind.scripts.observing import ConditionFacts
from service.writebehind.settings import Settings
from service.writebehind.workers import WorkerState, parse_workers

#: How long a write may be due before that is trouble: a worker looks at the queue twice a second.
OVERDUE_MS: Final = 3_000
#: Settings that only the worker acts on: its environment decides, not the service's.
_WORKERS: Final = frozenset(
    {
        "batch_size", "max_retries", "retry_delay_ms", "simulate_db_failure", "failure_rate",
        "flush_interval_ms", "coalescing_window_ms",
    }
)  # fmt: skip
_QUEUED_AT: Final = re.compile(rb'"queued_at":(\d{1,16}),"attempts":\d+[^}]*}$')


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The write path between Redis and PostgreSQL at one moment."""

    #: The lab's time, in µs.
    now_us: int
    #: When Redis' memory began, in µs; None if no script has recorded it yet.
    epoch: int | None
    workers: tuple[WorkerState, ...]
    #: How long the oldest due entry has been due, in ms; 0 if none is.
    oldest_due_ms: int
    #: How many acknowledged entries are only in Redis.
    unwritten: int
    #: The settings that were changed live, as Redis holds them.
    live: Mapping[bytes, bytes]

    def trouble(self) -> str:
        """Why due writes are not flushed, to be put in a sentence; '' if they are."""
        if culprit := self._culprit():
            overdue = f"; {self._overdue()}" if self.oldest_due_ms > OVERDUE_MS else ""
            return culprit.trouble() + (overdue if culprit.state == "suspended" else "")
        if self.oldest_due_ms > OVERDUE_MS and not any(w.state == "flushing" for w in self.workers):
            return f"{self._overdue()}, and no worker takes them"
        return ""

    def worker(self) -> str:
        """One word: `ok`, `absent`, or the state of a worker that does not get its work done."""
        if not self.workers:
            return "absent"
        culprit = self._culprit()
        return culprit.state if culprit else "overdue" if self.trouble() else "ok"

    def _culprit(self) -> WorkerState | None:
        """A worker that is stuck; or a suspended one, if all are suspended and something is due."""
        for worker in self.workers:
            if worker.stuck:
                return worker
        suspended = [worker for worker in self.workers if worker.state == "suspended"]
        if suspended and len(suspended) == len(self.workers) and self.oldest_due_ms:
            return suspended[0]
        return None

    def _overdue(self) -> str:
        return f"acknowledged writes have been due for {self.oldest_due_ms / 1000:.0f} s"


def read_condition(facts: ConditionFacts, own: Settings) -> Condition:
    """What the facts mean.

    Args:
        own: The settings to assume if no worker says which it uses.
    """
    clock = keys.parse_clock(facts.clock)
    now = clock.moment + max(0, facts.time_us - clock.wall) if clock else facts.time_us
    states, live = parse_workers(facts.workers, now), dict(facts.config)
    delay_us = settings_in_force(own, states, live).flush_delay_ms * 1000
    claimed_at, retry_at = _number(facts.claimed_at), _number(facts.retry_at)
    due = [
        *_due(facts.queued, delay_us, _number(facts.flush_now)),
        *(min(at, claimed_at or at) for at in _due(facts.claimed, delay_us, 0)),
        *([retry_at] if retry_at else []),
    ]
    return Condition(
        now_us=now,
        epoch=clock.epoch if clock else None,
        workers=states,
        oldest_due_ms=max(0, now - min(due, default=now)) // 1000,
        unwritten=facts.unwritten,
        live=live,
    )


def settings_in_force(own: Settings, workers: Sequence[WorkerState], live: Mapping[bytes, bytes]) -> Settings:
    """A process's own settings, overridden by a worker's (those that only it acts on) and by live changes."""
    for worker in workers[:1]:
        announced = {name: value for name, value in worker.settings.items() if name in _WORKERS}
        own = _changed(own, announced.items())
    return _changed(
        own, ((name.decode(errors="replace"), value.decode(errors="replace")) for name, value in live.items())
    )


def _changed(own: Settings, given: Iterable[tuple[str, object]]) -> Settings:
    """Apply the valid changes; junk in Redis changes nothing."""
    for name, value in given:
        with suppress(InvalidSettings):
            own = own.changed({name: value})
    return own


def _due(entry: bytes, delay_us: int, flush_now: int) -> list[int]:
    """When this entry was or will be due, in µs; nothing if it is not an entry."""
    tail = _QUEUED_AT.search(entry)
    if not tail:
        return []
    since = int(tail[1])
    return [min(since + delay_us, flush_now) if since <= flush_now else since + delay_us]


def _number(text: bytes) -> int:
    """A moment in µs; 0 if it is not one."""
    try:
        return max(0, int(float(text)))
    except (ValueError, OverflowError):
        return 0
