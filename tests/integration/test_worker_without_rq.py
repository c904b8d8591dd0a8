"""Without RQ: in a full Redis, or with junk in RQ's keys, pending entries drain all the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rq.suspension import resume, suspend

from service.writebehind import keys
from stack.wait import wait_until
from tests.live_worker import workers, written
from tests.refusals import drained, good
from tests.servers import Servers
from tests.write_path import WritePath


@contextmanager
def full_redis(path: WritePath) -> Iterator[None]:
    """Leave Redis no memory for any command that needs some."""
    before: dict[Any, Any] = {}
    for setting in ("maxmemory", "maxmemory-policy"):
        before |= path.redis.config_get(setting)
    path.redis.config_set("maxmemory-policy", "noeviction")
    path.redis.config_set("maxmemory", 1_000_000)
    try:
        yield
    finally:
        # The next test finds the Redis of a lab again.
        for setting, value in before.items():
            path.redis.config_set(setting, value)


def test_a_full_redis_drains_without_rq_and_rq_works_again_afterwards(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    products = [path.create(good(n)) for n in range(1000)]
    # Its first report needs no memory either.
    with full_redis(path), workers(servers, tmp_path, batch_size=50) as (worker,):
        drained(path, seconds=10)
        wait_until(
            lambda: worker.said()["code"] == "full", seconds=20, reason="it is told", hint=worker.text()
        )
        assert "Redis is full" in worker.said()["reason"]
        assert len(worker.lines("Redis is full")) == 1
        path.redis.config_set("maxmemory", 0)
        wait_until(lambda: worker.said()["reason"] == "", seconds=20, reason="RQ works", hint=worker.text())
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
def test_junk_in_rqs_keys_does_not_stop_flushing(
    servers: Servers, tmp_path: Path, path: WritePath, key: str
) -> None:
    with workers(servers, tmp_path) as (worker,):
        worker.await_state("idle")
        path.redis.delete(key)
        path.redis.set(key, "junk")
        product = path.create(good())
        drained(path, seconds=6)
        assert path.row(product["id"])
        assert len(worker.text().splitlines()) < 40, worker.text()


def test_unreadable_jobs_stop_nothing(servers: Servers, tmp_path: Path, path: WritePath) -> None:
    path.redis.rpush(f"rq:queue:{keys.RQ_QUEUE}", "no-such-job", "\xff", "")
    path.redis.hset("rq:job:broken", mapping={"data": "junk", "created_at": "junk", "status": "queued"})
    path.redis.rpush(f"rq:queue:{keys.RQ_QUEUE}", "broken")
    with workers(servers, tmp_path):
        product = path.create(good())
        drained(path, seconds=6)
    assert path.row(product["id"])
