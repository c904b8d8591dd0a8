"""Workers are frozen, and their sessions ended, again and again: the others go on, and nothing is lost."""

import random
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.live_worker import workers, written
from tests.refusals import drained, good
from tests.servers import Servers
from tests.write_path import OpenPath, WritePath


@pytest.mark.slow
def test_a_worker_that_is_frozen_again_and_again_does_not_stop_the_others(
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
        # It stays frozen: when its lease ends, the other worker writes what it had claimed.
        drained(path, seconds=6)
        assert other.process.poll() is None
        victim.signal(signal.SIGCONT)
    assert max(slowest) < 1.5, sorted(slowest)[-3:]
    assert {row for row in written(servers) if not row.startswith("seed-")} == set(alive)
    path.assert_balanced()


def test_sessions_ended_again_and_again_lose_nothing(
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
