"""The worker as a process: it reports its state, drains whatever RQ can do, and ends soon and cleanly."""

import signal
import threading
from pathlib import Path

import pytest
from rq.suspension import resume, suspend

from stack.wait import wait_until
from tests.live_worker import LOCK, ends_within, locked, waiting_flushes, workers
from tests.refusals import drained, good
from tests.servers import Servers
from tests.write_path import WritePath

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
        assert ends_within(worker, 6) == 0
        assert worker.said() == {}


def test_a_locked_table_is_reported_with_its_holder_and_a_stop_does_not_wait_for_it(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    products = [path.create(good(n)) for n in range(20)]
    with locked(servers) as other, workers(servers, tmp_path) as (worker,):
        said = worker.await_state("blocked", seconds=20)
        (blocker,) = said["blocked_by"]
        assert blocker == {"pid": other.info.backend_pid, "application": "psql", "query": LOCK}
        assert f"pid {other.info.backend_pid} (psql: LOCK TABLE products" in said["reason"]
        # Across the lock timeouts of several attempts.
        wait_until(
            lambda: worker.said()["for_ms"] > 2_500, seconds=20, reason="it lasts", hint=str(worker.said())
        )
        assert worker.said()["blocked_by"] == said["blocked_by"]
        worker.signal(signal.SIGTERM)
        assert ends_within(worker, 6) == 0
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
        worker.await_state("blocked", seconds=20)
        other.rollback()
        drained(path, seconds=1.5)
        worker.await_state("idle", seconds=20)
    path.assert_balanced()


@pytest.mark.slow
def test_a_frozen_postgres_is_reported_and_a_stop_does_not_wait_for_it(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    with workers(servers, tmp_path) as (worker,):
        path.create(good())
        drained(path)
        servers.runtime.signal("postgres", "pause")
        try:
            product = path.create(good())
            said = worker.await_state("paused", seconds=20)
            assert said["reason"] == "PostgreSQL does not answer"
            worker.signal(signal.SIGTERM)
            assert ends_within(worker, 6) == 0
            assert (path.queue().queue_size, path.queue().inflight) == (1, 0)
        finally:
            servers.runtime.signal("postgres", "resume")
            servers.wait_for("postgres")
    with workers(servers, tmp_path):
        drained(path)
    assert path.row(product["id"])


@pytest.mark.slow
def test_an_unreachable_database_is_reported_and_logged_sparingly(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    with workers(servers, tmp_path) as (worker,):
        servers.runtime.signal("postgres", "kill")
        for n in range(50):
            path.create(good(n))
        said = worker.await_state("paused", seconds=20)
        assert said["code"] == "unavailable"
        assert "can't be reached" in said["reason"]
        wait_until(lambda: worker.said()["for_ms"] > 2_000, seconds=20, reason="it lasts", hint="")
        servers.runtime.start(servers.specs["postgres"])
        servers.wait_for("postgres")
        drained(path)
        worker.await_state("idle", seconds=20)
    assert len(worker.lines("flushing is paused")) == 1
    assert len(worker.lines("flushing goes on")) == 1
    assert len(worker.text().splitlines()) < 30
    path.assert_balanced()


@pytest.mark.slow
def test_a_suspended_rq_is_reported_and_flushes_nothing_until_it_is_resumed(
    servers: Servers, tmp_path: Path, path: WritePath
) -> None:
    with workers(servers, tmp_path) as (worker,):
        suspend(path.redis)
        said = worker.await_state("suspended")
        assert "rq resume" in said["reason"]
        wait_until(
            lambda: worker.said().get("for_ms", 0) > 2_500, seconds=20, reason="RQ has noticed", hint=""
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
            # Two signals at the same moment count as one.
            worker.signal(signal.SIGTERM)
            threading.Event().wait(0.4)
            assert worker.process.poll() is None
            worker.signal(signal.SIGTERM)
            assert ends_within(worker, 2) == 128 + signal.SIGTERM
        finally:
            servers.runtime.signal("redis", "resume")
            servers.wait_for("redis")


def test_a_worker_says_that_it_is_stopping(servers: Servers, tmp_path: Path, path: WritePath) -> None:
    with locked(servers), workers(servers, tmp_path) as (worker,):
        path.create(good())
        worker.await_state("blocked", seconds=20)
        worker.signal(signal.SIGTERM)
        worker.await_state("stopping", seconds=20)
        assert ends_within(worker, 6) == 0


@pytest.mark.slow
@pytest.mark.parametrize("busy", [False, True])
def test_a_frozen_redis_does_not_keep_a_worker_from_stopping(
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
