"""What a worker tells Prometheus, and the port on which it does."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from service.writebehind.errors import RowsRefused
from service.writebehind.scripts.flushing import Claim, Claimed
from tests.metrics import parse, scrape
from worker import metrics_server
from worker.condition import Report
from worker.metrics import WorkerMetrics, trouble_of
from worker.metrics_server import MetricsServer
from worker.sorting import SystemRefuses
from worker.spread import Spread


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    metrics = WorkerMetrics(
        lambda: Report("paused", "PostgreSQL can't be reached", "unavailable"), lambda: ""
    )
    with closing(MetricsServer(metrics.registry, "127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    ("code", "note", "trouble"),
    [
        ("", "", None),
        ("unavailable", "", "outage"),
        ("silent", "", "silent"),
        ("55P03", "", "locked"),
        (SystemRefuses(RowsRefused("denied", "42501")).sqlstate, "", "refused"),
        ("", "full", "redis_full"),
        ("", "away", "redis_away"),
        ("", "rq", "rq"),
        ("suspended", "rq", "suspended"),
    ],
)
def test_every_code_is_of_a_class(code: str, note: str, trouble: str | None) -> None:
    assert trouble_of(Report("paused", "why", code), note) == trouble


def test_one_state_and_one_trouble_hold(server: MetricsServer) -> None:
    seen = scrape(server.port)
    assert seen.value("write_behind_worker_state", state="paused") == 1
    assert seen.value("write_behind_worker_state") == 1
    assert seen.value("write_behind_worker_trouble") == 1
    assert seen.value("write_behind_worker_trouble", **{"class": "outage"}) == 1


def test_workers_on_one_host_get_ports_of_their_own(server: MetricsServer) -> None:
    with closing(MetricsServer(CollectorRegistry(), "127.0.0.1", server.port)) as other:
        assert other.port not in (0, server.port)
        assert scrape(other.port).samples == {}


def test_a_worker_that_can_offer_nothing_works_on() -> None:
    with closing(MetricsServer(CollectorRegistry(), "192.0.2.1", 0)) as nowhere:
        assert nowhere.port == 0


def test_a_client_that_says_nothing_holds_up_no_other(server: MetricsServer) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as silent:
        silent.connect()
        assert scrape(server.port, seconds=30).has("write_behind_batch_size_count")


def test_a_client_that_goes_on_saying_nothing_is_hung_up_on(
    server: MetricsServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics_server._Handler, "timeout", 0.05)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as silent:
        assert silent.recv(1) == b""
    assert capfd.readouterr().err == ""


def test_a_version_ahead_of_the_clock_does_not_make_the_sum_of_lags_fall() -> None:
    metrics = WorkerMetrics(Report, str)
    now = 1_800_000_000_000_000
    rows = tuple(Claimed(f"p{number}", now + number * 10**9, b"") for number in (-1, 1))
    metrics.claimed(Claim(now, rows, None), 0.001)
    metrics.committed(Claim(now, rows, None), rows)
    seen = parse(generate_latest(metrics.registry).decode())
    assert seen.value("write_behind_persist_lag_seconds_count") == 2
    assert 1_000 <= seen.value("write_behind_persist_lag_seconds_sum") < 1_060


def test_a_spread_is_a_histogram_as_prometheus_defines_it() -> None:
    spread, registry = Spread("lag_seconds", "Lag", (0.5, 1.0)), CollectorRegistry()
    registry.register(spread)
    spread.add([0.1, 0.5, 0.6])
    spread.add([])
    spread.add([7])
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    assert lines == [
        'lag_seconds_bucket{le="0.5"} 2.0',
        'lag_seconds_bucket{le="1.0"} 3.0',
        'lag_seconds_bucket{le="+Inf"} 4.0',
        "lag_seconds_count 4.0",
        "lag_seconds_sum 8.2",
    ]
