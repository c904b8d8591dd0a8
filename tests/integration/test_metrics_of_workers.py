"""What real worker processes measure and count."""

from pathlib import Path

import pytest
import redis

from service.writebehind.counted import read_counted
from stack.wait import wait_until
from tests.live_worker import WorkerProcess, locked, workers
from tests.metrics import Scrape, scrape
from tests.servers import Servers
from tests.write_path import OpenPath, WritePath


def _look(worker: WorkerProcess) -> Scrape:
    return scrape(worker.said()["metrics_port"])


def _await(worker: WorkerProcess, name: str, value: float, **labels: str) -> Scrape:
    wait_until(
        lambda: _look(worker).value(f"write_behind_{name}", **labels) >= value,
        seconds=60,
        reason=f"{name} is {value}",
        hint=worker.text(),
    )
    return _look(worker)


def _persisted(worker: WorkerProcess, number: int) -> Scrape:
    return _await(worker, "worker_operations_total", number, operation="persisted")


def test_flushes_are_measured(servers: Servers, path: WritePath, tmp_path: Path) -> None:
    for _ in range(20):
        path.create()
    with workers(servers, tmp_path, batch_size=15) as (worker,):
        _persisted(worker, 20)
        seen = _await(worker, "flush_duration_seconds_count", 2)
    assert seen.value("write_behind_batch_size_sum") == 20
    assert seen.value("write_behind_batch_size_count") == 2
    assert seen.value("write_behind_batch_size_bucket", le="10.0") == 1
    for what in ("sql", "ack", "flush"):
        assert seen.value(f"write_behind_{what}_duration_seconds_count") == 2
    assert seen.value("write_behind_claim_duration_seconds_count") >= 2
    for what in ("claim", "sql", "ack", "flush"):
        assert 0 < seen.value(f"write_behind_{what}_duration_seconds_sum") < 10


def test_persist_lag_is_from_the_acknowledgement_to_the_commit(
    servers: Servers, open_path: OpenPath, tmp_path: Path
) -> None:
    path = open_path()
    with workers(servers, tmp_path, coalescing_window_ms=400) as (worker,):
        for _ in range(5):
            path.create()
        seen = _persisted(worker, 5)
    lag = "write_behind_persist_lag_seconds"
    assert seen.value(f"{lag}_count") == 5
    # None is flushed before its window ends, and all are long before this.
    assert seen.value(f"{lag}_bucket", le="0.25") == 0
    assert seen.value(f"{lag}_bucket", le="5.0") == 5
    assert 5 * 0.4 <= seen.value(f"{lag}_sum") < 5 * 5


def test_what_became_of_entries_is_counted(servers: Servers, path: WritePath, tmp_path: Path) -> None:
    for _ in range(3):
        path.create()
    with workers(
        servers, tmp_path, simulate_db_failure=True, failure_rate=1.0, max_retries=2, retry_delay_ms=1
    ) as (worker,):
        seen = _await(worker, "worker_operations_total", 3, operation="dead_lettered")
        assert seen.value("write_behind_worker_operations_total", operation="retried") == 6
        assert seen.value("write_behind_worker_operations_total", operation="persisted") == 0
        totals = path.queue().totals
        assert (totals["retried"], totals["given_up"], totals["dead_lettered"]) == (6, 3, 3)
        path.dead_letters.drop()
        assert path.queue().totals["given_up"] == 3


@pytest.mark.slow
def test_entries_given_back_in_an_outage_are_counted(
    servers: Servers, path: WritePath, tmp_path: Path
) -> None:
    with workers(servers, tmp_path) as (worker,), locked(servers):
        path.create()
        _await(worker, "worker_operations_total", 1, operation="released")
        seen = _await(worker, "worker_trouble", 1, **{"class": "locked"})
    assert seen.value("write_behind_worker_operations_total", operation="persisted") == 0
    assert seen.value("write_behind_sql_duration_seconds_count") >= 1


def test_a_worker_says_again_what_it_has_done_after_redis_lost_it(
    servers: Servers, path: WritePath, tmp_path: Path
) -> None:
    for _ in range(4):
        path.create()
    with workers(servers, tmp_path) as (worker,):
        _persisted(worker, 4)
        with redis.Redis.from_url(servers.redis_url) as client:
            client.flushall()
        wait_until(lambda: bool(worker.said()), seconds=60, reason="the worker speaks again", hint="")
        (done,) = read_counted(path.scripts).done.values()
    assert done["persisted"] == done["rows_written"] == 4


def test_workers_on_one_machine_have_ports_of_their_own(servers: Servers, tmp_path: Path) -> None:
    with workers(servers, tmp_path, number=2) as started:
        ports = {worker.said()["metrics_port"] for worker in started}
        assert len(ports) == 2
        for port in ports:
            assert scrape(port).value("write_behind_worker_state") == 1


@pytest.mark.slow
def test_without_metrics_there_is_no_port(servers: Servers, path: WritePath, tmp_path: Path) -> None:
    path.create()
    with workers(servers, tmp_path, metrics_enabled=False) as (worker,):
        wait_until(
            lambda: path.queue().totals["persisted"] == 1, seconds=60, reason="it is persisted", hint=""
        )
        assert "metrics_port" not in worker.said()
