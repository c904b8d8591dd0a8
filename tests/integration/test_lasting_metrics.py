"""What the API counts outlives its processes, its files and Redis' memory."""

import json
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from service.writebehind import keys
from stack.wait import wait_until
from tests.api_process import Api, running_api
from tests.api_requests import THROUGH, WIDGET, ask, post
from tests.metrics import scrape
from tests.servers import Servers
from tests.write_path import OpenPath


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


def test_no_counter_falls_whatever_ends_or_loses_its_memory(own_api: Api, servers: Servers) -> None:
    api = own_api
    told = [scrape(api.port)]
    post(api, 5)
    told.append(scrape(api.port))
    # Nobody looks between these writes and the loss of their totals.
    (product, *_) = post(api, 7)
    for _ in range(3):
        assert ask(api, "PUT", f"/products/{product}", WIDGET)[0] == 200
    post(api, 2, THROUGH)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    told.append(scrape(api.port))
    post(api, 3)
    for child in api.children():
        child.send_signal(signal.SIGKILL)
        child.wait(5)
    api.wait_until_up(seconds=60)
    told.append(scrape(api.port))
    post(api, 4)
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
    post(own_api, 3)
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
    post(own_api, 3)
    told = [scrape(own_api.port).value("write_behind_accepted_total")]
    with redis.Redis.from_url(servers.redis_url) as client:
        if clock is None:
            client.delete(keys.CLOCK)
        else:
            client.set(keys.CLOCK, clock)
    told.append(scrape(own_api.port).value("write_behind_accepted_total"))
    post(own_api)
    told.append(scrape(own_api.port).value("write_behind_accepted_total"))
    assert told == [3, 3, 4]


@pytest.mark.slow
def test_it_works_where_nothing_can_be_kept(servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with running_api(servers, telemetry_dir=str(tmp_path / "file" / "below"), api_processes=1) as api:
        post(api, 2)
        seen = scrape(api.port)
    assert seen.value("write_behind_http_requests_total", method="POST") == 2
    assert seen.value("write_behind_accepted_total") == 2


@pytest.mark.slow
def test_files_do_not_pile_up(own_api: Api, tmp_path: Path) -> None:
    api = own_api

    def files() -> set[str]:
        return {path.name for path in (tmp_path / "metrics").iterdir()}

    post(api)
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
        post(api)
    assert files() == before
    assert scrape(api.port).value("write_behind_accepted_total") == 3


def test_damaged_files_cost_their_own_counters_only(own_api: Api, tmp_path: Path) -> None:
    api = own_api
    post(api, 2)
    api.end()
    (tmp_path / "metrics" / "counter_0.db").write_bytes(b"\xff" * 4096)
    (tmp_path / "metrics" / "counter_1.db").write_bytes(b"counters" * 500)
    (tmp_path / "metrics" / "counter_7.db").write_bytes(b"\x20\x00")
    (tmp_path / "metrics" / "histogram_0.db").write_bytes(b"")
    (tmp_path / "metrics" / "totals.json").write_bytes(b"{")
    api.start()
    api.wait_until_up(seconds=60)
    post(api, 2)
    assert scrape(api.port).value("write_behind_accepted_total") == 4
