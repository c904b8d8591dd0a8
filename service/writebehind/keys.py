"""Every Redis key of the write-behind path, and the RQ queue's name. Nobody else types one."""

from typing import Final

#: LIST of the ids of dirty products, oldest first write first. Its length is *the* queue size.
QUEUE: Final = "write_behind:queue"
#: HASH id → newest unpersisted entry (see entry.py).
PENDING: Final = "write_behind:pending"
#: ZSET of claimed ids; the score is when they were claimed, in µs of Redis time, unique to its claim.
INFLIGHT: Final = "write_behind:inflight"
#: ZSET of ids that wait for another attempt; the score is when it is due, µs of Redis time.
RETRY: Final = "write_behind:retry"
#: ZSET, ordered by member: older entries of a product, kept only while coalescing is off.
BACKLOG: Final = "write_behind:backlog"
#: LIST of JSON dead letters, oldest first.
DLQ: Final = "write_behind:dlq"
#: STRING: the highest version handed out so far, in µs.
CLOCK: Final = "write_behind:clock"
#: STRING, present while a flush job is enqueued and has not started.
SIGNAL: Final = "write_behind:signal"
#: STRING: entries first written up to this Redis time (µs) are due, whatever the window says.
FLUSH_NOW: Final = "write_behind:flush_now"
#: HASH of running totals.
TOTALS: Final = "write_behind:totals"
#: HASH of settings changed live; they override what a process read from its environment.
CONFIG: Final = "write_behind:config"
#: STRING with a short life: the settings that a live worker works with (JSON).
WORKER: Final = "write_behind:worker"

#: The RQ queue that flush jobs go through, and the job's function.
RQ_QUEUE: Final = "write-behind"
RQ_FLUSH: Final = "worker.tasks.flush"


def cache(product_id: str) -> str:
    """The cache entry of one product: its JSON document, with a TTL."""
    return f"cache:product:{product_id}"


def fill(product_id: str) -> str:
    """The right to fill one product's cache entry from PostgreSQL (a memcache-style lease)."""
    return f"cache:fill:{product_id}"
