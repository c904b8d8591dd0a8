"""The workloads in which the defects do harm. On a healthy path each ends valid with nothing lost."""

import time
from contextlib import suppress
from typing import Any

from service.writebehind import keys
from service.writebehind.errors import CacheUnavailable, NoSuchProduct, StoreUnavailable
from stack.wait import wait_until
from tests.ledgered import LedgeredPath, widget
from tests.rigged import Killed, RiggedScripts, RiggedStore, press_memory

SEED = "seed-001"


def _store(run: LedgeredPath) -> RiggedStore:
    assert isinstance(run.path.store, RiggedStore)
    return run.path.store


def update_one_product_often(run: LedgeredPath) -> None:
    for n in range(20):
        run.update(SEED, widget(f"Update {n}", n))
    run.drain()


def update_without_end(run: LedgeredPath) -> None:
    """Judged halfway, while the product is still being updated."""
    window = run.path.settings.coalescing_window_ms / 1000
    ends = time.monotonic() + 5 * window

    def is_over() -> bool:
        run.update(SEED, widget("Again"))
        claim = run.path.buffer.claim(run.path.settings)
        if claim.rows:
            written = run.path.store.write([row.entry for row in claim.rows])
            run.path.buffer.ack(claim, claim.rows, rows_written=written)
        return time.monotonic() > ends

    wait_until(is_over, seconds=30, poll=window / 5, reason="five windows are over", hint="")


def update_between_the_steps_of_another(run: LedgeredPath) -> None:
    """Two clients at once. Where a write has several steps, the second comes between those of the first."""
    later = _store(run).meanwhile
    # Cached, so no write has to ask PostgreSQL first.
    run.path.reads.get(SEED)
    later.append(lambda: run.update(SEED, widget("Second")))
    run.update(SEED, widget("First"))
    while later:
        later.pop(0)()
    run.drain()


def kill_the_worker_in_mid_batch(run: LedgeredPath) -> None:
    for n in range(20):
        run.create(widget(f"P{n}"))
    _store(run).faults.append(Killed())
    with suppress(Killed):
        run.flush()
    run.replace_worker()
    run.drain()


def queue_something_malformed(run: LedgeredPath) -> None:
    for n in range(8):
        run.create(widget(f"P{n}"))
        if n == 3:
            run.path.redis.hset(keys.PENDING, "junk", "no entry")
            run.path.redis.rpush(keys.QUEUE, "junk")
    run.drain()


def fail_to_dead_letter(run: LedgeredPath) -> None:
    """A row that can't be written while Redis can't take it as a dead letter either."""
    run.create(widget("Good"))
    run.create(widget("Bad"))
    run.path.sql("ALTER TABLE products ADD CONSTRAINT no_bad CHECK (name <> 'Bad')")
    scripts = run.path.scripts
    assert isinstance(scripts, RiggedScripts)
    scripts.faults["dead_letter"] = [CacheUnavailable("Redis refused the write")]
    try:
        with suppress(CacheUnavailable):
            run.flush()
    finally:
        run.path.sql("ALTER TABLE products DROP CONSTRAINT no_bad")
    run.replace_worker()
    run.drain()


def give_a_row_up(run: LedgeredPath) -> None:
    run.create(widget("Good"))
    run.create(widget("Bad"))
    run.path.sql("ALTER TABLE products ADD CONSTRAINT no_bad CHECK (name <> 'Bad')")
    try:
        run.drain()
    finally:
        run.path.sql("ALTER TABLE products DROP CONSTRAINT no_bad")


def send_what_postgres_refuses(run: LedgeredPath) -> None:
    good: dict[str, Any] = {"name": "Good", "price": 1.5, "quantity": 1}
    run.create(good)
    for bad in ({"name": "x" * 300}, {"name": "a\0b"}, {"price": 1e9}, {"quantity": 2**31}):
        run.create({**good, **bad})
    run.drain()


def create_and_update(run: LedgeredPath) -> None:
    product = run.create(widget("New"))
    run.flush()
    run.update(product, widget("Newer"))
    run.drain()


def delete_while_another_reads(run: LedgeredPath) -> None:
    """A reader has read the row but not cached it yet."""
    _store(run).meanwhile.append(lambda: run.delete(SEED))
    run.path.reads.get(SEED)
    run.drain()


def read_an_evicted_product(run: LedgeredPath) -> None:
    run.update(SEED, widget("Pending"))
    run.path.evict(SEED)
    with suppress(NoSuchProduct):
        run.path.reads.get(SEED)
    run.drain()


def write_what_was_claimed_too_late(run: LedgeredPath) -> None:
    """A worker stalls for longer than its lease, and then writes what it had in hand."""
    run.update(SEED, widget("Old"))
    stalled = run.path.buffer.claim(run.path.settings)
    run.update(SEED, widget("New"))
    run.drain()
    run.probe.rows([SEED])
    run.path.store.write([row.entry for row in stalled.rows])


def write_what_was_deleted_meanwhile(run: LedgeredPath) -> None:
    product = run.create(widget("Short-lived"))
    stalled = run.path.buffer.claim(run.path.settings)
    run.path.buffer.release(stalled, stalled.rows)
    run.delete(product)
    run.drain()
    run.probe.rows([product])
    run.path.store.write([row.entry for row in stalled.rows])


def fill_the_memory(run: LedgeredPath) -> None:
    """While writes are pending, others fill the cache."""
    for n in range(50):
        run.create(widget(f"P{n}"))
    press_memory(run.path.redis)
    run.drain()


def flush_in_an_outage(run: LedgeredPath) -> None:
    for n in range(10):
        run.create(widget(f"P{n}"))
    _store(run).faults += [StoreUnavailable("PostgreSQL can't be reached")] * 2
    run.drain()


def fail_to_commit(run: LedgeredPath) -> None:
    run.create(widget("Behind"))
    _store(run).faults.append(StoreUnavailable("PostgreSQL can't be reached"))
    run.update(SEED, widget("Phantom"), policy="write_through")
    run.drain()
