"""The write path seen from outside: the queue, the totals, the settings in force."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from service.writebehind import keys
from service.writebehind.condition import Condition, read_condition, settings_in_force
from service.writebehind.counted import Counted, read_counted
from service.writebehind.entry import attempts_of, is_tombstone, queued_at_of, to_document
from service.writebehind.limits import SHOWN_ITEMS
from service.writebehind.scripts import observing
from service.writebehind.scripts.observing import QueueFacts
from service.writebehind.scripts.runner import Scripts, map_redis_errors
from service.writebehind.settings import Settings, WritePolicy
from service.writebehind.totals import SETTLED, Totals, parse_totals
from service.writebehind.workers import Blocker, State, WorkerState


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A queued product."""

    id: str
    version: int
    age_ms: float
    attempts: int
    operation: Literal["write", "delete"]


@dataclass(frozen=True, slots=True)
class ShownWorker:
    """A worker as it reports itself."""

    name: str
    pid: int
    host: str
    started_at: Annotated[float, Meta(description="Unix time, in s")]
    state: State
    reason: Annotated[str, Meta(description="A sentence; empty if there is nothing to explain")]
    code: Annotated[str, Meta(description="SQLSTATE, or a short class of what is wrong; may be empty")]
    for_ms: Annotated[int, Meta(description="How long it has been in this state")]
    blocked_by: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True)
class Exposed:
    """What would be lost if Redis lost its memory now, apart from dead letters."""

    writes: Annotated[int, Meta(description="Acknowledged writes that only Redis has")]
    products: Annotated[int, Meta(description="Products that they belong to")]
    seconds: Annotated[float, Meta(description="Age of the oldest of them, in s; 0 if there is none")]

    @classmethod
    def of(cls, facts: QueueFacts, oldest_s: float) -> "Exposed":
        """Every acknowledged write that is not settled. Every entry stands for one or more, also if someone
        has deleted the totals."""
        entries = facts.pending + facts.backlog
        if not entries:
            return cls(0, 0, 0.0)
        counted = dict(facts.totals)
        unsettled = int(counted.get(b"accepted", 0)) - int(counted.get(SETTLED, 0))
        return cls(max(entries, unsettled), facts.pending, oldest_s)


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue at one moment."""

    queue_size: Annotated[int, Meta(description="Products that wait for a flush")]
    inflight: Annotated[int, Meta(description="Products that a worker has claimed")]
    retrying: Annotated[int, Meta(description="Products that wait for another attempt")]
    backlog: Annotated[int, Meta(description="Older writes, kept while coalescing is off")]
    dlq_size: Annotated[int, Meta(description="Dead letters")]
    oldest_age_ms: Annotated[
        float, Meta(description="Age of the oldest write that is not in PostgreSQL yet; 0 if there is none")
    ]
    oldest_due_ms: Annotated[
        int, Meta(description="How long the oldest write that is due has been due; 0 if none is due")
    ]
    exposed: Annotated[Exposed, Meta(description="What only Redis has, apart from dead letters")]
    workers: Annotated[list[ShownWorker], Meta(description="The live workers, as they report themselves")]
    trouble: Annotated[str, Meta(description="Why writes that are due are not flushed; empty if they are")]
    totals: Totals
    #: The first of them.
    items: Annotated[list[QueueItem], Meta(max_length=SHOWN_ITEMS)]


@dataclass(frozen=True, slots=True)
class View:
    """The write path as /health reports it."""

    #: `ok`; `absent`: no worker is alive; otherwise the state of a worker that is stuck.
    worker: str
    #: Why writes that are due are not flushed; empty if they are.
    trouble: str
    write_policy: WritePolicy
    #: Whether MAX_PENDING is reached and further writes are rejected.
    queue_full: bool


class Overview:
    """Looks at the write path. Every method raises `CacheUnavailable`."""

    def __init__(self, scripts: Scripts, settings: Settings) -> None:
        self._scripts = scripts
        self._settings = settings

    def queue(self) -> QueueState:
        """The queue and its workers, at a cost that does not grow with the queue."""
        facts = observing.inspect(self._scripts, items=SHOWN_ITEMS)
        condition, counted = self.condition(), dict(facts.totals)
        oldest_us = max(0, facts.now_us - facts.oldest_us) if facts.oldest_us else 0
        return QueueState(
            queue_size=facts.queue,
            inflight=facts.inflight,
            retrying=facts.retrying,
            backlog=facts.backlog,
            dlq_size=facts.dlq,
            oldest_age_ms=oldest_us / 1000,
            oldest_due_ms=condition.oldest_due_ms,
            exposed=Exposed.of(facts, oldest_us / 1e6),
            workers=[_shown(worker) for worker in condition.workers],
            trouble=condition.trouble(),
            totals=parse_totals(counted),
            items=[_item(i, e, facts.now_us) for i, e in facts.items if e],
        )

    def size(self) -> int:
        """The number of dirty products in the queue."""
        with map_redis_errors():
            return int(self._scripts.client.llen(keys.QUEUE))

    def counted(self) -> Counted:
        """The totals, and what the workers say that they did."""
        return read_counted(self._scripts)

    def settings(self) -> dict[str, Any]:
        """The live settings in force, whether the service or the worker acts on them."""
        return self.settings_of(self.condition())

    def settings_of(self, condition: Condition) -> dict[str, Any]:
        """The live settings in force at that moment."""
        return settings_in_force(self._settings, condition.workers, condition.live).live()

    def condition(self) -> Condition:
        """The workers, and whether due writes are flushed."""
        return read_condition(observing.condition(self._scripts), self._settings)

    def view(self) -> View:
        """Whether writes are taken, and whether they are flushed to PostgreSQL."""
        condition = self.condition()
        settings = settings_in_force(self._settings, condition.workers, condition.live)
        rejects = settings.overflow_policy == "reject"
        return View(
            worker=condition.worker(),
            trouble=condition.trouble(),
            write_policy=settings.write_policy,
            queue_full=rejects and condition.unwritten >= settings.max_pending,
        )

    def change_settings(self, given: dict[str, object]) -> None:
        """Change live settings for all processes at once.

        Raises:
            InvalidSettings: names each setting that is unknown, fixed or out of range; none was changed.
        """
        changed = self._settings.changed(given).to_env()
        if given:
            with map_redis_errors():
                self._scripts.client.hset(keys.CONFIG, mapping={n: changed[n.upper()] for n in given})


def _shown(worker: WorkerState) -> ShownWorker:
    return ShownWorker(
        worker.name, worker.pid, worker.host, worker.started_at, worker.state, worker.reason, worker.code,
        worker.for_ms, worker.blocked_by,
    )  # fmt: skip


def _item(product_id: bytes, entry: bytes, now: int) -> QueueItem:
    try:
        version = int(msgspec.json.decode(to_document(entry)).get("version", 0))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError):
        version = 0
    return QueueItem(
        id=product_id.decode(errors="replace"),
        version=version,
        age_ms=max(0, now - (queued_at_of(entry) or now)) / 1000,
        attempts=attempts_of(entry),
        operation="delete" if is_tombstone(entry) else "write",
    )
