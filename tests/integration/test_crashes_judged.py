"""The verdict on a Redis that lost its memory, on real servers."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import psycopg
import pytest

from scenarios.watch.watcher import Watcher
from service.writebehind import keys
from stack.wait import wait_until
from tests.ledgered import LedgeredPath, widget
from tests.servers import Servers
from tests.write_path import OpenPath, Parts


@pytest.fixture
def run(open_path: OpenPath) -> Iterator[LedgeredPath]:
    with LedgeredPath(open_path(), Parts()) as opened:
        yield opened


def test_what_was_in_redis_alone_is_lost_whatever_is_written_later(run: LedgeredPath) -> None:
    product = run.create(widget("first"))
    run.drain()
    run.look()
    for n in range(3):
        run.update(product, widget(f"gone {n}"))
    run.path.redis.flushall()
    run.look()
    run.update(product, widget("later"))
    run.drain()
    verdict = run.judge()
    assert [one.fate for one in verdict.judged] == ["superseded", "lost", "lost", "lost", "persisted"]
    assert all(one.overwritten_later for one in verdict.judged if one.fate == "lost")
    (crash,) = verdict.crashes
    assert (crash.exposed, crash.products, crash.overwritten_later, crash.undetermined) == (3, 1, 3, 0)
    assert (verdict.validity, verdict.lost_products) == ("valid", ())


def test_without_a_look_after_the_crash_nothing_is_called_safe(run: LedgeredPath) -> None:
    product = run.create(widget("first"))
    run.drain()
    run.look()
    run.update(product, widget("gone"))
    run.path.redis.flushall()
    run.update(product, widget("later"))
    run.drain()
    run.look()
    verdict = run.judge()
    assert [one.fate for one in verdict.judged] == ["superseded", "undetermined", "persisted"]
    assert verdict.crashes[0].undetermined == 1
    assert verdict.validity == "unknown"


def test_several_crashes_are_counted_separately(run: LedgeredPath) -> None:
    for n in range(1, 4):
        for m in range(n):
            run.create(widget(f"P{n}-{m}"))
        run.look()
        run.path.redis.flushall()
        run.look()
    verdict = run.judge()
    assert [crash.exposed for crash in verdict.crashes] == [1, 2, 3]
    assert verdict.fates["lost"] == 6


def test_a_deleted_clock_does_not_lose_pending_writes(run: LedgeredPath) -> None:
    product = run.create(widget("waits"))
    run.look()
    run.path.redis.delete(keys.CLOCK)
    run.look()
    run.update(product, widget("later"))
    run.drain()
    verdict = run.judge()
    assert Counter(one.fate for one in verdict.judged) == {"superseded": 1, "persisted": 1}
    assert verdict.crashes[0].exposed == 0
    assert verdict.validity == "valid"


def test_planted_letters_account_for_nothing(run: LedgeredPath) -> None:
    products = [run.create(widget(f"P{n}")) for n in range(5)]
    run.path.redis.flushall()
    for product in products:
        entry = {"id": product, **widget("planted"), "version": 9 * 10**15}
        letter = {"id": product, "version": 9 * 10**15, "entry": entry, "error": "x", "attempts": 1}
        run.path.redis.rpush(keys.DLQ, json.dumps(letter))
    run.path.redis.rpush(keys.DLQ, "no letter", '"x"', "[]", '{"id": 1, "version": "9"}', b"\xff\0")
    verdict = run.judge()
    assert (verdict.fates["lost"], verdict.fates["dead_lettered"]) == (5, 0)
    assert verdict.validity == "invalid"
    assert set(verdict.checks["unexplained"].evidence) == set(products)


def test_a_real_letter_accounts_for_its_write_and_for_those_coalesced_into_it(run: LedgeredPath) -> None:
    product = run.create(widget("first"))
    run.drain()
    run.path.sql("ALTER TABLE products ADD CONSTRAINT no_bad CHECK (name !~ '^Bad')")
    try:
        for n in range(3):
            run.update(product, widget(f"Bad {n}"))
        run.drain()
    finally:
        run.path.sql("ALTER TABLE products DROP CONSTRAINT no_bad")
    verdict = run.judge()
    assert [one.fate for one in verdict.judged] == ["persisted", *["dead_lettered"] * 3]
    assert verdict.validity == "valid"


def test_the_watcher_sees_every_kind_of_crash_at_once(open_path: OpenPath, servers: Servers) -> None:
    with (
        LedgeredPath(open_path(), Parts()) as run,
        closing(Watcher(servers.redis_url, servers.database_url, run.ledger)) as watcher,
    ):
        watcher.start()
        for number, crash in enumerate(("flushall", "restart"), 1):
            run.create(widget(f"P{number}"))
            wait_until(
                lambda: watcher.memory.clock is not None, seconds=20, reason="the clock is seen", hint=""
            )
            if crash == "flushall":
                run.path.redis.flushall()
            else:
                servers.runtime.signal("redis", "kill")
                wait_until(lambda: not _runs(servers), seconds=20, reason="Redis is dead", hint="")
                servers.runtime.start(servers.specs["redis"])
                servers.wait_for("redis")
            wait_until(partial(_noticed, watcher, number), seconds=20, reason="it is noticed", hint="")
        watcher.end()
    assert len(watcher.memory.losses) == 2
    assert watcher.unwatched == ""


def _noticed(watcher: Watcher, number: int) -> bool:
    return len(watcher.memory.losses) == number


def _runs(servers: Servers) -> bool:
    return servers.runtime.observe()["redis"].state == "running"


def test_a_frozen_postgresql_holds_the_watcher_up_only_for_a_moment(
    open_path: OpenPath, servers: Servers
) -> None:
    with (
        LedgeredPath(open_path(), Parts()) as run,
        closing(Watcher(servers.redis_url, servers.database_url, run.ledger)) as watcher,
    ):
        run.create(widget("P"))
        watcher.start()
        servers.runtime.signal("postgres", "pause")
        begun = time.monotonic()
        try:
            watcher.end()
        finally:
            servers.runtime.signal("postgres", "resume")
        assert time.monotonic() - begun < 8


def test_a_poll_that_meets_a_lock_is_skipped(run: LedgeredPath, servers: Servers) -> None:
    product = run.create(widget("P"))
    run.drain()
    with psycopg.connect(servers.database_url) as other:
        other.execute("LOCK TABLE products")
        run.look()
        assert run.history.sightings.polls == []
    run.look()
    assert [seen.version for seen in run.history.sightings.seen[product]] == [run.ledger.writes[0].version]


def test_rows_and_tombstones_are_seen_to_arrive(run: LedgeredPath) -> None:
    product = run.create(widget("P"))
    run.look()
    run.drain()
    run.look()
    deleted = run.delete(product)
    run.drain()
    run.look()
    seen = run.history.sightings.seen[product]
    assert [each.version for each in seen] == [run.ledger.writes[0].version, deleted.version]
    assert [(each.asked, each.poll) for each in seen] == [(0, 1), (2, 2)]
