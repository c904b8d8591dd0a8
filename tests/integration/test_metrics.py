"""What the API's /metrics tell, whichever of its processes answers, and without Redis."""

import random
import string
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from stack.spec.runtime import FaultSignal
from stack.wait import wait_until
from tests.api_process import Api, running_api
from tests.api_requests import THROUGH, WIDGET, ask, post
from tests.metrics import scrape
from tests.servers import Servers
from tests.write_path import OpenPath


@pytest.fixture(scope="module")
def _api(_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Two server processes that count together, and no worker."""
    with running_api(_servers, telemetry_dir=str(tmp_path_factory.mktemp("telemetry"))) as api:
        yield api


@pytest.fixture
def api(_api: Api, servers: Servers) -> Api:
    """An API that earlier tests have used, on empty servers."""
    return _api


def _gained(api: Api) -> Callable[..., float]:
    """Begins to count: by how much a series has risen since."""
    before = scrape(api.port)

    def gained(name: str, **labels: str) -> float:
        return scrape(api.port).value(name, **labels) - before.value(name, **labels)

    return gained


def test_requests_are_counted_by_route_policy_and_outcome(api: Api) -> None:
    gained = _gained(api)
    (product, *_) = post(api, 3)
    post(api, 2, THROUGH)
    assert ask(api, "PUT", f"/products/{product}", WIDGET)[0] == 200
    assert ask(api, "PUT", "/products/nowhere", WIDGET, THROUGH)[0] == 404
    assert ask(api, "POST", "/products", {})[0] == 422
    for path in (f"/products/{product}", "/products/seed-001", "/products/seed-001", "/products/nowhere"):
        ask(api, "GET", path)
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
    evicted, deleted = post(api, 2)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.delete(keys.cache(evicted))
    assert ask(api, "DELETE", f"/products/{deleted}")[0] == 200
    assert ask(api, "GET", f"/products/{evicted}")[0] == 200
    assert ask(api, "GET", f"/products/{deleted}")[0] == 404
    counts = [
        gained("write_behind_cache_reads_total", result=result) for result in ("hit", "pending", "miss")
    ]
    assert counts == [1, 1, 0]


def test_refused_writes_are_counted_by_reason(api: Api, servers: Servers) -> None:
    gained = _gained(api)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.hset(keys.CONFIG, "max_pending", "1")
    post(api)
    assert ask(api, "POST", "/products", WIDGET)[0] == 503
    servers.runtime.signal("redis", "kill")
    # What was sent over a connection that breaks has no certain outcome.
    wait_until(
        lambda: ask(api, "POST", "/products", WIDGET)[0] == 503,
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
                ask(api, chance.choice(["GET", "DELETE", "PATCH", "TRACE", "PROPFIND"]), path)

    wander(30)
    before = set(scrape(api.port).samples)
    wander(30)
    assert set(scrape(api.port).samples) == before
    assert not [
        key for key in before if any(value not in _VALUES for name, value in key[1] if name == "route")
    ]


_VALUES = {"unmatched", "/products", "/products/{id}", "/metrics", "/health", "/openapi.json"}


def test_server_processes_and_concurrent_scrapes_agree(api: Api) -> None:
    post(api, 10)
    with ThreadPoolExecutor(8) as threads:
        counters = list(threads.map(lambda _: scrape(api.port).counters(), range(40)))
    assert all(each == counters[0] for each in counters)


def test_without_metrics_only_the_path_is_told_of(servers: Servers, tmp_path: Path) -> None:
    with running_api(servers, telemetry_dir=str(tmp_path), metrics_enabled=False, api_processes=1) as api:
        post(api, 2)
        seen = scrape(api.port)
    assert not seen.has("write_behind_http_requests_total")
    assert seen.value("write_behind_accepted_total") == seen.value("write_behind_queue_size") == 2


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_without_redis_it_answers_at_once_with_what_it_has(
    api: Api, servers: Servers, fault: FaultSignal
) -> None:
    post(api, 3)
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
