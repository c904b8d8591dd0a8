"""What the write path looks like from outside: the queue, the totals, the settings in force."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from service.writebehind import keys
from service.writebehind.entry import attempts_of, is_tombstone, queued_at_of, to_document
from service.writebehind.scripts import Scripts, plain_commands
from service.writebehind.settings import Settings

#: Every running total, so that one that never moved still shows as zero.
TOTALS: Final = (
    "accepted", "coalesced", "persisted", "rows_written", "batches", "retried", "dead_lettered",
    "written_through",
)  # fmt: skip
_ITEMS: Final = 20
#: Settings that the worker alone acts on: its environment decides, not the service's.
_WORKERS: Final = frozenset(
    {
        "batch_size", "max_retries", "retry_delay_ms", "simulate_db_failure", "failure_rate",
        "flush_interval_ms", "coalescing_window_ms",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A queued product."""

    id: str
    version: int
    age_ms: float
    attempts: int
    operation: str


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue at one moment."""

    queue_size: int
    inflight: int
    retrying: int
    backlog: int
    dlq_size: int
    #: Age of the oldest write that is not in PostgreSQL yet; 0 where all are.
    oldest_age_ms: float
    totals: dict[str, int]
    #: The first 20.
    items: list[QueueItem]


class Overview:
    """Raises `CacheUnavailable`."""

    def __init__(self, scripts: Scripts, settings: Settings) -> None:
        self._scripts = scripts
        self._settings = settings

    def queue(self) -> QueueState:
        now, queue, inflight, retrying, backlog, dlq, totals, ids, entries, oldest = self._scripts.run(
            "inspect",
            (
                keys.QUEUE,
                keys.PENDING,
                keys.INFLIGHT,
                keys.RETRY,
                keys.BACKLOG,
                keys.DLQ,
                keys.TOTALS,
                keys.CLOCK,
            ),
            (_ITEMS,),
        )
        counted = {k.decode(): int(v) for k, v in zip(totals[::2], totals[1::2], strict=True)}
        return QueueState(
            queue_size=queue,
            inflight=inflight,
            retrying=retrying,
            backlog=backlog,
            dlq_size=dlq,
            oldest_age_ms=max(0, int(now) - int(oldest)) / 1000 if int(oldest) else 0.0,
            totals={name: counted.get(name, 0) for name in TOTALS},
            items=[_item(i, e, int(now)) for i, e in zip(ids, entries, strict=True) if e],
        )

    def size(self) -> int:
        with plain_commands():
            return int(self._scripts.client.llen(keys.QUEUE))

    def settings(self) -> dict[str, Any]:
        """The live settings in force, whoever acts on them."""
        with plain_commands():
            pipe = self._scripts.client.pipeline(transaction=False)
            pipe.get(keys.WORKER)
            pipe.hgetall(keys.CONFIG)
            announced, stored = pipe.execute()
        own = self._settings
        if announced:
            workers = msgspec.json.decode(announced)["settings"]
            own = own.changed({name: workers[name] for name in _WORKERS if name in workers})
        return own.with_stored(stored).live()

    def change_settings(self, given: dict[str, object]) -> None:
        """Change live settings, for every process at once.

        Raises:
            InvalidSettings: naming each that is unknown, fixed or out of range; none was changed.
        """
        changed = self._settings.changed(given).to_env()
        if given:
            with plain_commands():
                self._scripts.client.hset(keys.CONFIG, mapping={n: changed[n.upper()] for n in given})


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
