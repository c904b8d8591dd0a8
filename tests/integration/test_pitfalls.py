"""The defects of an earlier lab of the same kind, one story each, played on this write path.

Those of reads and the cache are in test_pitfalls_of_the_cache.py, those that need a running lab in
test_pitfalls_of_a_lab.py; mutants with the same defects, and what the verdict says of them, in
test_mutants.py.
"""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import redis

from service.writebehind import keys
from service.writebehind.errors import CacheUnavailable
from stack.wait import wait_until
from tests.final_findings import read_findings
from tests.ledgered import LedgeredPath, widget
from tests.rigged import RiggedScripts
from tests.write_path import WIDGET, OpenPath, Parts, WritePath

SEED = "seed-001"


@pytest.fixture
def run(open_path: OpenPath) -> Iterator[LedgeredPath]:
    with LedgeredPath(open_path(), Parts()) as run:
        yield run


@pytest.fixture
def path(open_path: OpenPath) -> WritePath:
    return open_path()


@contextmanager
def flushing(*paths: WritePath) -> Iterator[None]:
    """Flush on each of these paths, over and over, until the end of the block."""
    ended = threading.Event()

    def work(path: WritePath) -> None:
        while not ended.wait(0.001):
            path.flusher.run()

    with ThreadPoolExecutor(len(paths)) as pool:
        workers = [pool.submit(work, path) for path in paths]
        try:
            yield
        finally:
            ended.set()
    for worker in workers:
        worker.result()


def test_01_a_coalesced_update_is_what_reaches_postgres(run: LedgeredPath) -> None:
    with ThreadPoolExecutor(20) as pool:
        writes = list(pool.map(lambda n: run.update(SEED, widget(f"Update {n}", n)), range(20)))
    run.drain()
    last = max(writes, key=lambda write: write.version or 0)
    row = run.path.row(SEED)
    assert row is not None
    assert last.value is not None
    assert (row["version"], row["name"]) == (last.version, last.value["name"])
    assert run.path.read(SEED)["name"] == last.value["name"]
    assert (run.probe.totals()["coalesced"], run.probe.totals()["rows_written"]) == (19, 1)
    run.assert_nothing_lost()


def test_02_a_product_updated_without_end_is_persisted_again_and_again(open_path: OpenPath) -> None:
    path = open_path(coalescing_window_ms=100)
    persisted: set[int] = set()

    def is_persisted_thrice() -> bool:
        path.update(SEED)
        row = path.row(SEED)
        if row is not None and row["version"] > 1:
            persisted.add(row["version"])
        return len(persisted) >= 3

    with flushing(path):
        wait_until(is_persisted_thrice, seconds=20, poll=0.005, reason="three windows ended", hint="")


def test_03_sixteen_clients_leave_cache_and_row_the_same(open_path: OpenPath, run: LedgeredPath) -> None:
    products = [run.create(widget(f"P{n}")) for n in range(60)]

    def write(client: int) -> None:
        chance = random.Random(client)
        for n in range(25):
            run.update(chance.choice(products), widget(f"by {client}", n))

    with flushing(open_path(), open_path()), ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    run.drain()
    verdict = run.assert_nothing_lost()
    assert verdict.diverged == ()
    findings = read_findings(run.probe, run.ledger)
    assert set(findings.cached) == set(findings.rows) == set(products), "there was something to compare"


@pytest.mark.parametrize(
    "junk",
    [
        b"no entry",
        b'{"id":"junk"}',
        b"[]",
        b'{"id":"junk","version":"x","queued_at":1}',
        b"\xff\xfe",
        b'{"id":"junk","name":"n","price":1,"quantity":1,"version":1},{"id":"junk","version":2}',
        b"[" * 20_000,
    ],
)
def test_05_a_malformed_queue_item_takes_nothing_down_with_it(run: LedgeredPath, junk: bytes) -> None:
    for n in range(8):
        run.create(widget(f"P{n}"))
        if n == 3:
            run.path.redis.hset(keys.PENDING, "junk", junk)
            run.path.redis.rpush(keys.QUEUE, "junk", "nothing-known")
    run.drain()
    assert run.assert_nothing_lost().fates["persisted"] == 8
    assert [letter["id"] for letter in run.path.dead_letters.oldest(9)] == ["junk"]


def test_06_a_row_that_cannot_be_dead_lettered_is_kept(open_path: OpenPath) -> None:
    failing = {"simulate_db_failure": True, "failure_rate": 1, "max_retries": 0}
    parts = Parts(scripts=RiggedScripts)
    with LedgeredPath(open_path(parts, lease_ms=100, **failing), parts) as run:
        for n in range(10):
            run.create(widget(f"P{n}"))
        assert isinstance(run.path.scripts, RiggedScripts)
        run.path.scripts.faults["dead_letter"] = [CacheUnavailable("Redis refused the write")]
        with suppress(CacheUnavailable):
            run.flush()
        assert run.path.dead_letters.size() == 0
        run.replace_worker()
        run.drain()
        verdict = run.judge()
    assert (verdict.fates["lost"], verdict.fates["dead_lettered"]) == (0, 10)


@pytest.mark.parametrize(
    "bad",
    [
        {"name": "x" * 300},
        {"name": "a\0b"},
        {"name": ""},
        {"price": 1e9},
        {"price": -1},
        {"quantity": 2**31},
        {"quantity": -(2**31) - 1},
        {"quantity": 1.5},
    ],
    ids=repr,
)
def test_07_what_postgres_would_refuse_is_never_acknowledged(run: LedgeredPath, bad: dict[str, Any]) -> None:
    run.create(widget("Before"))
    run.create({**widget("Bad"), **bad})
    run.create(widget("Behind"))
    run.drain()
    verdict = run.assert_nothing_lost()
    assert (verdict.acknowledged, verdict.refused, verdict.fates["persisted"]) == (2, 1, 2)


@pytest.mark.parametrize("policy", ["write_behind", "write_through"])
def test_08_an_update_of_a_missing_row_creates_it_again(run: LedgeredPath, policy: str) -> None:
    run.path.read(SEED)
    run.path.sql("DELETE FROM products WHERE id = %s", SEED)
    assert run.update(SEED, widget("Back"), policy=policy).answer == "acknowledged"
    run.drain()
    assert run.assert_nothing_lost().fates["persisted"] == 1


@pytest.mark.parametrize("policy", ["write_behind", "write_through"])
def test_08_an_update_of_a_product_that_is_nowhere_fails(run: LedgeredPath, policy: str) -> None:
    assert run.update("nowhere", widget("Back"), policy=policy).answer == "refused"


def test_11_three_failing_workers_and_replays_never_take_a_row_back(open_path: OpenPath) -> None:
    failing = {"simulate_db_failure": True, "failure_rate": 0.1, "max_retries": 0, "batch_size": 7}
    workers = [open_path(**failing) for _ in range(3)]
    with LedgeredPath(open_path(), Parts()) as run:
        products = [run.create(widget(f"P{n}")) for n in range(30)]
        with flushing(*workers):
            for n in range(10):
                for product in products:
                    run.update(product, widget(f"Update {n}", n))
                # Once seen, a version must never go back.
                run.probe.rows(products)
                run.path.dead_letters.requeue()
        assert run.path.dead_letters.requeue()[2] or run.probe.depth().dead_letters == 0
        run.drain()
        assert run.assert_nothing_lost().regressed == ()


def _commands(path: WritePath, act: Callable[[], object]) -> list[list[str]]:
    """Every command that Redis runs for `act`, including those inside scripts."""
    commands: list[list[str]] = []
    with (
        redis.Redis.from_url(path.settings.redis_url) as other,
        other.monitor() as monitor,
    ):
        act()
        path.redis.echo("that was all")
        for heard in monitor.listen():
            words = heard["command"].split(" ")
            if words[0].upper() == "ECHO":
                return commands
            commands.append([words[0].upper(), *words[1:]])
    return commands


@pytest.mark.parametrize("looks", ["queue", "size", "create"])
def test_16_the_cost_of_a_read_or_a_write_does_not_grow_with_the_queue(path: WritePath, looks: str) -> None:
    act: Callable[[], object] = {
        "queue": path.queue,
        "size": path.overview.size,
        "create": lambda: path.create(WIDGET),
    }[looks]

    def cost() -> list[tuple[str, int]]:
        return [(words[0], len(words)) for words in _commands(path, act)]

    for _ in range(30):
        path.create()
    # Once beforehand, to open the connections.
    act()
    path.redis.ping()
    few = cost()
    for _ in range(500):
        path.create()
    assert cost() == few
    for words in _commands(path, act):
        if words[0] == "LRANGE":
            assert words[1:] == [keys.QUEUE, "0", "19"]
