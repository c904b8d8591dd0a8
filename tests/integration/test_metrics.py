"""The API's /metrics: right with several server processes, whatever is killed, emptied or frozen."""

import http.client
import json
import random
import signal
import string
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from stack.spec.runtime import FaultSignal
from stack.wait import wait_until
from tests.api_process import Api, running_api
from tests.metrics import scrape
from tests.servers import Servers
from tests.write_path import OpenPath

_WIDGET = {"name": "Widget", "price": 29.99, "quantity": 100}
_THROUGH = {"X-Write-Policy": "write_through"}


@pytest.fixture(scope="module")
def _api(_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Two server processes that count together, and no worker."""
    with running_api(_servers, telemetry_dir=str(tmp_path_factory.mktemp("telemetry"))) as api:
        yield api


@pytest.fixture
def api(_api: Api, servers: Servers) -> Api:
    """An API that earlier tests have used, on empty servers."""
    return _api


@pytest.fixture
def own_api(servers: Servers, tmp_path: Path) -> Iterator[Api]:
    """An API of the test's own."""
    with running_api(servers, telemetry_dir=str(tmp_path)) as api:
        # Until both serve, the second one has no slot.
        wait_until(
            lambda: (tmp_path / "metrics" / "histogram_1.db").exists(),
            seconds=60,
            reason="both server processes count",
            hint="",
        )
        yield api


def _ask(
    api: Api, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body, over a connection of its own, so that either server process may answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=10)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()


def _post(api: Api, number: int = 1, headers: Mapping[str, str] | None = None) -> list[str]:
    answers = [_ask(api, "POST", "/products", _WIDGET, headers) for _ in range(number)]
    assert {status for status, _ in answers} == {201}
    return [json.loads(body)["id"] for _, body in answers]


def _gained(api: Api) -> Callable[..., float]:
    """Begins to count: by how much a series has risen since."""
    before = scrape(api.port)

    def gained(name: str, **labels: str) -> float:
        return scrape(api.port).value(name, **labels) - before.value(name, **labels)

    return gained


def test_requests_are_counted_by_route_policy_and_outcome(api: Api) -> None:
    gained = _gained(api)
    (product, *_) = _post(api, 3)
    _post(api, 2, _THROUGH)
    assert _ask(api, "PUT", f"/products/{product}", _WIDGET)[0] == 200
    assert _ask(api, "PUT", "/products/nowhere", _WIDGET, _THROUGH)[0] == 404
    assert _ask(api, "POST", "/products", {})[0] == 422
    for path in (f"/products/{product}", "/products/seed-001", "/products/seed-001", "/products/nowhere"):
        _ask(api, "GET", path)
    name = "write_behind_http_requests_total"
    assert gained(name, method="POST", route="/products", policy="write_behind", outcome="ok") == 3
    assert gained(name, method="POST", route="/products", policy="write_through", outcome="ok") == 2
    assert gained(name, method="POST", route="/products", policy="unknown", outcome="invalid") == 1
    assert gained(name, method="PUT", route="/products/{id}", policy="write_behind") == 1
    assert gained(name, method="PUT", policy="write_through", outcome="not_found") == 1
    assert gained(name, method="GET", route="/products/{id}", policy="none") == 4
    duration = "write_behind_http_request_duration_seconds"
    assert gained(f"{duration}_count", method="POST", route="/products") == 6
    assert 0 < gained(f"{duration}_sum", method="POST", route="/products") < 60
    reads = {result: gained("write_behind_cache_reads_total", result=result) for result in ("hit", "miss")}
    assert reads == {"hit": 2, "miss": 2}
    assert gained("write_behind_accepted_total") == 4
    assert gained("write_behind_written_through_total") == 2


def test_a_read_finds_a_pending_write_or_a_deleted_product_without_postgres(
    api: Api, servers: Servers
) -> None:
    gained = _gained(api)
    evicted, deleted = _post(api, 2)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.delete(keys.cache(evicted))
    assert _ask(api, "DELETE", f"/products/{deleted}")[0] == 200
    assert _ask(api, "GET", f"/products/{evicted}")[0] == 200
    assert _ask(api, "GET", f"/products/{deleted}")[0] == 404
    counts = [
        gained("write_behind_cache_reads_total", result=result) for result in ("hit", "pending", "miss")
    ]
    assert counts == [1, 1, 0]


def test_refused_writes_are_counted_by_reason(api: Api, servers: Servers) -> None:
    gained = _gained(api)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.hset(keys.CONFIG, "max_pending", "1")
    _post(api)
    assert _ask(api, "POST", "/products", _WIDGET)[0] == 503
    servers.runtime.signal("redis", "kill")
    # What was sent over a connection that breaks has no certain outcome.
    wait_until(
        lambda: _ask(api, "POST", "/products", _WIDGET)[0] == 503,
        seconds=60,
        reason="a write is refused",
        hint="",
    )
    assert gained("write_behind_refused_total", reason="overflow") == 1
    assert gained("write_behind_refused_total", reason="redis") == 1
    assert gained("write_behind_http_requests_total", outcome="refused") == 2


def test_sizes_are_those_of_the_queue(api: Api, open_path: OpenPath) -> None:
    path = open_path()
    path.redis.hset(keys.CONFIG, mapping={"write_coalescing_enabled": "false", "flush_interval_ms": "0"})
    for _ in range(4):
        path.create()
    claim = path.buffer.claim(path.settings)
    _, retried, dead, released = claim.rows
    path.buffer.retry(claim, [(retried, 1, 60.0)])
    letter = DeadLetter.of(dead.id, dead.version, dead.entry, error="because", attempts=1)
    path.buffer.dead_letter(claim, [letter])
    path.buffer.release(claim, [released])
    path.update(released.id)
    state, seen = path.queue(), scrape(api.port)
    sizes = ("queue_size", "inflight", "retrying", "backlog", "dlq_size")
    assert [seen.value(f"write_behind_{name}") for name in sizes] == [1, 1, 1, 1, 1]
    assert [getattr(state, name) for name in sizes] == [1, 1, 1, 1, 1]
    assert seen.value("write_behind_dead_lettered") == 1
    assert seen.value("write_behind_exposed_writes") == state.exposed.writes == 4
    assert seen.value("write_behind_exposed_products") == state.exposed.products == 3
    assert state.exposed.seconds <= seen.value("write_behind_exposed_seconds") < 30
    assert state.oldest_age_ms / 1000 <= seen.value("write_behind_oldest_age_seconds") < 30
    assert state.oldest_due_ms / 1000 <= seen.value("write_behind_oldest_due_age_seconds") < 30


def test_no_path_and_no_method_makes_a_series_of_its_own(api: Api) -> None:
    chance = random.Random(1)

    def wander(number: int) -> None:
        for _ in range(number):
            name = "".join(chance.choices(string.ascii_letters, k=12))
            for path in (f"/{name}", f"/products/{name}", f"/products/{name}/{name}", f"/metrics?{name}"):
                _ask(api, chance.choice(["GET", "DELETE", "PATCH", "TRACE", "PROPFIND"]), path)

    wander(30)
    before = set(scrape(api.port).samples)
    wander(30)
    assert set(scrape(api.port).samples) == before
    assert not [
        key for key in before if any(value not in _VALUES for name, value in key[1] if name == "route")
    ]


_VALUES = {"unmatched", "/products", "/products/{id}", "/metrics", "/health", "/openapi.json"}


def test_server_processes_and_concurrent_scrapes_agree(api: Api) -> None:
    _post(api, 10)
    with ThreadPoolExecutor(8) as threads:
        counters = list(threads.map(lambda _: scrape(api.port).counters(), range(40)))
    assert all(each == counters[0] for each in counters)


def test_no_counter_falls_whatever_ends_or_loses_its_memory(own_api: Api, servers: Servers) -> None:
    api = own_api
    told = [scrape(api.port)]
    _post(api, 5)
    told.append(scrape(api.port))
    # Nobody looks between these writes and the loss of their totals.
    (product, *_) = _post(api, 7)
    for _ in range(3):
        assert _ask(api, "PUT", f"/products/{product}", _WIDGET)[0] == 200
    _post(api, 2, _THROUGH)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    told.append(scrape(api.port))
    _post(api, 3)
    for child in api.children():
        child.send_signal(signal.SIGKILL)
        child.wait(5)
    api.wait_until_up(seconds=60)
    told.append(scrape(api.port))
    _post(api, 4)
    servers.runtime.signal("redis", "kill")
    told.append(scrape(api.port))
    servers.runtime.start(servers.specs["redis"])
    servers.wait_for("redis")
    api.end()
    api.start()
    api.wait_until_up(seconds=60)
    told.append(scrape(api.port))
    for before, after in pairwise(told):
        known = after.counters()
        assert not {key for key, value in before.counters().items() if known.get(key, 0) < value}
    assert told[-1].value("write_behind_accepted_total") == 22
    assert told[-1].value("write_behind_coalesced_total") == 3
    assert told[-1].value("write_behind_written_through_total") == 2
    posts = told[-1].value("write_behind_http_requests_total", method="POST", route="/products")
    assert posts == 21


def test_what_an_ended_worker_did_is_known_although_nobody_scraped_before_redis_lost_it(
    own_api: Api, open_path: OpenPath, servers: Servers, tmp_path: Path
) -> None:
    path = open_path()
    _post(own_api, 3)
    path.flusher.run()
    totals = tmp_path / "metrics" / "totals.json"
    wait_until(
        lambda: totals.exists() and json.loads(totals.read_bytes())["told"].get("persisted") == 3,
        seconds=10,
        reason="the API has looked by itself",
        hint="",
    )
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    assert scrape(own_api.port).value("write_behind_persisted_total") == 3


@pytest.mark.parametrize("clock", [None, "junk"])
def test_a_lost_clock_is_no_lost_memory(own_api: Api, servers: Servers, clock: str | None) -> None:
    _post(own_api, 3)
    told = [scrape(own_api.port).value("write_behind_accepted_total")]
    with redis.Redis.from_url(servers.redis_url) as client:
        if clock is None:
            client.delete(keys.CLOCK)
        else:
            client.set(keys.CLOCK, clock)
    told.append(scrape(own_api.port).value("write_behind_accepted_total"))
    _post(own_api)
    told.append(scrape(own_api.port).value("write_behind_accepted_total"))
    assert told == [3, 3, 4]


def test_without_metrics_only_the_path_is_told_of(servers: Servers, tmp_path: Path) -> None:
    with running_api(servers, telemetry_dir=str(tmp_path), metrics_enabled=False, api_processes=1) as api:
        _post(api, 2)
        seen = scrape(api.port)
    assert not seen.has("write_behind_http_requests_total")
    assert seen.value("write_behind_accepted_total") == seen.value("write_behind_queue_size") == 2


@pytest.mark.slow
def test_it_works_where_nothing_can_be_kept(servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with running_api(servers, telemetry_dir=str(tmp_path / "file" / "below"), api_processes=1) as api:
        _post(api, 2)
        seen = scrape(api.port)
    assert seen.value("write_behind_http_requests_total", method="POST") == 2
    assert seen.value("write_behind_accepted_total") == 2


@pytest.mark.slow
def test_files_do_not_pile_up(own_api: Api, tmp_path: Path) -> None:
    api = own_api

    def files() -> set[str]:
        return {path.name for path in (tmp_path / "metrics").iterdir()}

    _post(api)
    scrape(api.port)
    before, ended = files(), set()
    for _ in range(2):
        for child in api.children():
            ended.add(child.pid)
            child.send_signal(signal.SIGKILL)
            child.wait(5)
        wait_until(
            lambda: len({child.pid for child in api.children()} - ended) == 2 and api.answers(),
            seconds=60,
            reason="two new server processes serve",
            hint="",
        )
        _post(api)
    assert files() == before
    assert scrape(api.port).value("write_behind_accepted_total") == 3


def test_damaged_files_cost_their_own_counters_only(own_api: Api, tmp_path: Path) -> None:
    api = own_api
    _post(api, 2)
    api.end()
    (tmp_path / "metrics" / "counter_0.db").write_bytes(b"\xff" * 4096)
    (tmp_path / "metrics" / "counter_1.db").write_bytes(b"counters" * 500)
    (tmp_path / "metrics" / "counter_7.db").write_bytes(b"\x20\x00")
    (tmp_path / "metrics" / "histogram_0.db").write_bytes(b"")
    (tmp_path / "metrics" / "totals.json").write_bytes(b"{")
    api.start()
    api.wait_until_up(seconds=60)
    _post(api, 2)
    assert scrape(api.port).value("write_behind_accepted_total") == 4


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_without_redis_it_answers_at_once_with_what_it_has(
    api: Api, servers: Servers, fault: FaultSignal
) -> None:
    _post(api, 3)
    before = scrape(api.port)
    assert before.value("write_behind_redis_up") == 1
    servers.runtime.signal("redis", fault)
    try:
        started = time.monotonic()
        seen = scrape(api.port)
        # Prometheus gives up after the interval of 2 s.
        assert time.monotonic() - started < 1.5
    finally:
        if fault == "pause":
            servers.runtime.signal("redis", "resume")
    assert seen.value("write_behind_redis_up") == 0
    assert not seen.has("write_behind_queue_size")
    assert seen.counters() == before.counters()


def test_a_scrape_costs_the_same_however_long_the_queue_is(api: Api, servers: Servers) -> None:
    entry = '{"id":"%s","version":%016d,"queued_at":%016d,"attempts":0}'
    with redis.Redis.from_url(servers.redis_url) as client:

        def cost_us() -> float:
            """Redis' time for a scrape, and not for what else the machine may do meanwhile."""
            return min(one_us() for _ in range(5))

        def one_us() -> float:
            client.config_resetstat()
            scrape(api.port)
            stats = client.info("commandstats")
            assert isinstance(stats, dict)
            return sum(float(each["usec"]) for name, each in stats.items() if "config" not in name)

        scrape(api.port)
        without = cost_us()
        ids = [f"p-{number:06d}" for number in range(100_000)]
        for first in range(0, len(ids), 10_000):
            some = ids[first : first + 10_000]
            client.hset(keys.PENDING, mapping={i: entry % (i, 10**15, 10**15) for i in some})
            client.rpush(keys.QUEUE, *some)
        assert scrape(api.port).value("write_behind_queue_size") == 100_000
        # Going through 100,000 entries takes Redis 10,000 µs and more.
        assert cost_us() < without + 1_000
