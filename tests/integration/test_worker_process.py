"""The worker as a process: it says how it is, drains whatever RQ can do, and ends soon and in good order."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rq.suspension import resume, suspend

from service.writebehind import keys
from stack.wait import wait_until
from tests.live_worker import WorkerProcess, workers
from tests.refusals import drained, good
from tests.servers import Servers
from tests.write_path import OpenPath, WritePath

LOCK = "LOCK TABLE products IN ACCESS EXCLUSIVE MODE"


@contextmanager
def locked(servers: Servers) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(servers.database_url, application_name="psql") as other:
        other.execute(LOCK.encode())
        yield other


def written(servers: Servers) -> set[str]:
    with psycopg.connect(servers.database_url) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM products")}


def ends_within(worker: WorkerProcess, seconds: float) -> int:
    return worker.process.wait(timeout=seconds)


def waiting_flushes(servers: Servers) -> int:
    with psycopg.connect(servers.database_url) as connection:
        found: Any = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'write-behind worker'"
            " AND state = 'active'"
        ).fetchone()
    return int(found[0])


# What it says


def test_a_worker_says_that_it_is_idle_and_takes_it_back_at_the_end(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    with workers(servers, tmp_path, batch_size=77) as (worker,):
        said = worker.await_state("idle")
        assert said["settings"]["batch_size"] == 77
        assert (said["reason"], said["code"], said["blocked_by"]) == ("", "", [])
        assert "labpass" not in str(said)
        assert said["name"].endswith(f"-{worker.process.pid}")
        worker.signal(signal.SIGTERM)
        assert ends_within(worker, 2) == 0
        assert worker.said() == {}


def test_a_locked_table_is_told_with_its_holder_and_a_stop_does_not_wait_for_it(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    products = [path.create(good(n)) for n in range(20)]
    with locked(servers) as other, workers(servers, tmp_path) as (worker,):
        said = worker.await_state("blocked", seconds=3)
        (blocker,) = said["blocked_by"]
        assert blocker == {"pid": other.info.backend_pid, "application": "psql", "query": LOCK}
        assert f"pid {other.info.backend_pid} (psql: LOCK TABLE products" in said["reason"]
        # Across the lock timeouts of several attempts.
        wait_until(
            lambda: worker.said()["for_ms"] > 2_500, seconds=4, reason="it lasts", hint=str(worker.said())
        )
        assert worker.said()["blocked_by"] == said["blocked_by"]
        worker.signal(signal.SIGTERM)
        assert ends_within(worker, 2) == 0
        state = path.queue()
        assert (state.inflight, state.queue_size, state.dlq_size, state.retrying) == (0, 20, 0, 0)
        assert waiting_flushes(servers) == 0
        other.rollback()
    with workers(servers, tmp_path) as (worker,):
        drained(path)
    assert all(path.row(product["id"]) for product in products)
    path.assert_balanced()


def test_a_lock_that_goes_lets_everything_drain(servers: Servers, tmp_path: Path, path: WritePath) -> None:
    with locked(servers) as other, workers(servers, tmp_path) as (worker,):
        path.create(good())
        worker.await_state("blocked", seconds=3)
        other.rollback()
        drained(path, seconds=1.5)
        worker.await_state("idle", seconds=2)
    path.assert_balanced()


def test_a_frozen_postgres_is_told_and_a_stop_does_not_wait_for_it(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    with workers(servers, tmp_path) as (worker,):
        path.create(good())
        drained(path)
        servers.runtime.signal("postgres", "pause")
        try:
            product = path.create(good())
            said = worker.await_state("paused", seconds=4)
            assert said["reason"] == "PostgreSQL does not answer"
            worker.signal(signal.SIGTERM)
            assert ends_within(worker, 2.2) == 0
            assert (path.queue().queue_size, path.queue().inflight) == (1, 0)
        finally:
            servers.runtime.signal("postgres", "resume")
            servers.wait_for("postgres")
    with workers(servers, tmp_path):
        drained(path)
    assert path.row(product["id"])


def test_a_database_that_is_down_is_told_and_logged_with_restraint(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    with workers(servers, tmp_path) as (worker,):
        servers.runtime.signal("postgres", "kill")
        for n in range(50):
            path.create(good(n))
        said = worker.await_state("paused", seconds=4)
        assert said["code"] == "unavailable"
        assert "can't be reached" in said["reason"]
        wait_until(lambda: worker.said()["for_ms"] > 2_000, seconds=4, reason="it lasts", hint="")
        servers.runtime.start(servers.specs["postgres"])
        servers.wait_for("postgres")
        drained(path)
        worker.await_state("idle", seconds=2)
    assert len(worker.lines("flushing is paused")) == 1
    assert len(worker.lines("flushing goes on")) == 1
    assert len(worker.text().splitlines()) < 30
    path.assert_balanced()


def test_a_suspended_rq_is_told_and_flushes_nothing_until_it_is_resumed(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    with workers(servers, tmp_path) as (worker,):
        suspend(path.redis)
        said = worker.await_state("suspended")
        assert "rq resume" in said["reason"]
        wait_until(
            lambda: worker.said().get("for_ms", 0) > 2_500, seconds=5, reason="RQ has noticed", hint=""
        )
        path.create(good())
        assert worker.await_state("suspended")["code"] == "suspended"
        assert path.queue().queue_size == 1
        resume(path.redis)
        drained(path)
        worker.await_state("idle")


# How it ends


def test_a_second_signal_ends_it_at_once(servers: Servers, tmp_path: Path, path: WritePath) -> None:
    with workers(servers, tmp_path) as (worker,):
        servers.runtime.signal("redis", "pause")
        try:
            worker.signal(signal.SIGTERM)
            # Two at the same moment count as one.
            worker.signal(signal.SIGTERM)
            threading.Event().wait(0.4)
            assert worker.process.poll() is None
            worker.signal(signal.SIGTERM)
            assert ends_within(worker, 0.5) == 128 + signal.SIGTERM
        finally:
            servers.runtime.signal("redis", "resume")
            servers.wait_for("redis")


def test_a_worker_says_that_it_is_stopping(servers: Servers, tmp_path: Path, path: WritePath) -> None:
    with locked(servers), workers(servers, tmp_path) as (worker,):
        path.create(good())
        worker.await_state("blocked", seconds=3)
        worker.signal(signal.SIGTERM)
        worker.await_state("stopping", seconds=1)
        assert ends_within(worker, 2) == 0


@pytest.mark.parametrize("busy", [False, True])
def test_a_frozen_redis_does_not_keep_it(
    servers: Servers, tmp_path: Path, path: WritePath, busy: bool
) -> None:
    with workers(servers, tmp_path) as (worker,):
        if busy:
            for n in range(2000):
                path.create(good(n))
        servers.runtime.signal("redis", "pause")
        try:
            worker.signal(signal.SIGTERM)
            ends_within(worker, 4)
        finally:
            servers.runtime.signal("redis", "resume")
            servers.wait_for("redis")
    with workers(servers, tmp_path):
        drained(path, seconds=8)
    path.assert_balanced()


# Whatever RQ can do


@contextmanager
def full_redis(path: WritePath) -> Iterator[None]:
    """No memory is left for anything that needs some."""
    path.redis.config_set("maxmemory-policy", "noeviction")
    path.redis.config_set("maxmemory", 1_000_000)
    try:
        yield
    finally:
        path.redis.config_set("maxmemory", 0)


def test_a_full_redis_drains_without_rq_and_rq_works_again_afterwards(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    products = [path.create(good(n)) for n in range(1000)]
    # Its first words need no memory either.
    with full_redis(path), workers(servers, tmp_path, batch_size=50) as (worker,):
        drained(path, seconds=10)
        wait_until(
            lambda: worker.said()["code"] == "full", seconds=3, reason="it is told", hint=worker.text()
        )
        assert "Redis is full" in worker.said()["reason"]
        assert len(worker.lines("Redis is full")) == 1
        path.redis.config_set("maxmemory", 0)
        wait_until(lambda: worker.said()["reason"] == "", seconds=3, reason="RQ works", hint=worker.text())
        products += [path.create(good(n)) for n in range(10)]
        drained(path)
        assert len(worker.lines("RQ works again")) == 1
    assert {product["id"] for product in products} <= written(servers)
    path.assert_balanced()


def test_a_redis_that_fills_up_under_a_running_worker_drains(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    with workers(servers, tmp_path) as (worker,):
        worker.await_state("idle")
        with full_redis_after(path, 500):
            drained(path, seconds=6)
    path.assert_balanced()


@contextmanager
def full_redis_after(path: WritePath, writes: int) -> Iterator[None]:
    suspend(path.redis)
    for n in range(writes):
        path.create(good(n))
    with full_redis(path):
        resume(path.redis)
        yield


@pytest.mark.parametrize(
    "key", [f"rq:queue:{keys.RQ_QUEUE}", "rq:workers", "rq:queues", f"rq:workers:{keys.RQ_QUEUE}"]
)
@pytest.mark.parametrize("junk", ["text", "other type"])
def test_junk_in_rqs_keys_stops_nothing(
    servers: Servers, tmp_path: Path, path: WritePath, key: str, junk: str
) -> None:
    with workers(servers, tmp_path) as (worker,):
        worker.await_state("idle")
        path.redis.delete(key)
        if junk == "text":
            path.redis.set(key, "junk")
        else:
            path.redis.hset(key, "junk", "junk")
        product = path.create(good())
        drained(path, seconds=6)
        assert path.row(product["id"])
        assert len(worker.text().splitlines()) < 40, worker.text()


def test_jobs_that_nobody_understands_stop_nothing(servers: Servers, tmp_path: Path, path: WritePath) -> None:
    path.redis.rpush(f"rq:queue:{keys.RQ_QUEUE}", "no-such-job", "\xff", "")
    path.redis.hset("rq:job:broken", mapping={"data": "junk", "created_at": "junk", "status": "queued"})
    path.redis.rpush(f"rq:queue:{keys.RQ_QUEUE}", "broken")
    with workers(servers, tmp_path):
        product = path.create(good())
        drained(path, seconds=6)
    assert path.row(product["id"])


# Frozen workers


def test_a_worker_that_is_frozen_again_and_again_stops_nobody_else(
    servers: Servers, tmp_path: Path, open_path: OpenPath
) -> None:
    path = open_path()
    chance, stop = random.Random(5), threading.Event()
    slowest: list[float] = []
    with workers(servers, tmp_path, 2, batch_size=20) as (victim, other):

        def freeze() -> None:
            while not stop.is_set():
                victim.signal(signal.SIGSTOP)
                stop.wait(chance.uniform(0.02, 0.12))
                victim.signal(signal.SIGCONT)
                stop.wait(chance.uniform(0.0, 0.02))
            victim.signal(signal.SIGSTOP)

        storm = threading.Thread(target=freeze)
        storm.start()
        alive: list[str] = []
        ends = time.monotonic() + 3
        while time.monotonic() < ends:
            alive += [path.create(good(n))["id"] for n in range(20)]
            began = time.monotonic()
            through = path.create(good(), policy="write_through")["id"]
            path.delete(alive.pop(chance.randrange(len(alive))))
            path.delete(through, policy="write_through")
            slowest.append(time.monotonic() - began)
        stop.set()
        storm.join()
        # It stays frozen: what it claimed comes back by its lease, and the other writes it.
        drained(path, seconds=6)
        assert other.process.poll() is None
        victim.signal(signal.SIGCONT)
    assert max(slowest) < 1.5, sorted(slowest)[-3:]
    assert {row for row in written(servers) if not row.startswith("seed-")} == set(alive)
    path.assert_balanced()


def test_sessions_that_are_ended_again_and_again_cost_nothing(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    products: list[str] = []
    with (
        workers(servers, tmp_path, 2, batch_size=10),
        psycopg.connect(servers.database_url, autocommit=True) as killer,
    ):
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            products += [path.create(good(n))["id"] for n in range(10)]
            killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'write-behind worker'"
            )
        drained(path)
    assert (path.queue().dlq_size, path.queue().totals["retried"]) == (0, 0)
    assert set(products) <= written(servers)
    path.assert_balanced()
