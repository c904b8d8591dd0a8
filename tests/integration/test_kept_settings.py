"""Live settings survive a Redis that loses its memory."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from service.writebehind import keys
from service.writebehind.buffer import Buffer
from service.writebehind.scripts.runner import Scripts
from stack.errors import StateUnusable
from stack.ports import choose_free
from stack.spec.service import HealthCheck
from stack.state.kept_settings import FILE, KeptSettings
from tests.servers import Servers


@pytest.fixture
def check(servers: Servers) -> HealthCheck:
    return servers.specs["redis"].health


@pytest.fixture
def client(servers: Servers) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(servers.redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def kept(tmp_path: Path, servers: Servers, check: HealthCheck) -> KeptSettings:
    _run_a_script(servers)
    return KeptSettings(tmp_path / "lab", check)


def _run_a_script(servers: Servers) -> None:
    """Start the clock, and with it an epoch, as a worker does twice a second."""
    scripts = Scripts(servers.redis_url)
    Buffer(scripts).heartbeat("h-1", b"{}")
    scripts.close()


def test_they_come_back_once_after_a_loss(
    kept: KeptSettings, servers: Servers, client: "redis.Redis"
) -> None:
    client.hset(keys.CONFIG, mapping={"coalescing_window_ms": "50", "batch_size": "7"})
    assert kept.look({}) == {}
    client.flushall()
    assert kept.look({}) == {"coalescing_window_ms": "50", "batch_size": "7"}
    assert client.hgetall(keys.CONFIG) == {"coalescing_window_ms": "50", "batch_size": "7"}
    assert kept.look({}) == {}
    # The new memory gets its epoch only now. That is not a second loss.
    _run_a_script(servers)
    client.hdel(keys.CONFIG, "batch_size")
    kept.look({})
    client.flushall()
    assert "coalescing_window_ms" in kept.look({})


def test_what_was_set_since_the_loss_counts(kept: KeptSettings, client: "redis.Redis") -> None:
    client.hset(keys.CONFIG, mapping={"batch_size": "7", "max_retries": "1"})
    kept.look({})
    client.flushall()
    client.hset(keys.CONFIG, "batch_size", "9")
    assert kept.look({}) == {"max_retries": "1"}
    assert client.hget(keys.CONFIG, "batch_size") == "9"


def test_what_was_taken_away_by_hand_stays_away(kept: KeptSettings, client: "redis.Redis") -> None:
    client.hset(keys.CONFIG, "batch_size", "7")
    kept.look({})
    client.delete(keys.CONFIG)
    assert kept.look({}) == {}
    client.flushall()
    assert kept.look({}) == {}


def test_what_a_run_borrows_is_kept_as_it_was(kept: KeptSettings, client: "redis.Redis") -> None:
    client.hset(keys.CONFIG, mapping={"failure_rate": "1.0", "simulate_db_failure": "true"})
    kept.look({"failure_rate": "0.5", "simulate_db_failure": None})
    client.flushall()
    assert kept.look({}) == {"failure_rate": "0.5"}


def test_what_is_decided_elsewhere_does_not_come_back(kept: KeptSettings, client: "redis.Redis") -> None:
    client.hset(keys.CONFIG, mapping={"batch_size": "7", "max_retries": "1"})
    kept.look({})
    kept.drop(["batch_size"])
    assert client.hgetall(keys.CONFIG) == {"max_retries": "1"}
    client.flushall()
    assert kept.look({}) == {"max_retries": "1"}


def test_junk_is_neither_kept_nor_brought_back(
    kept: KeptSettings, client: "redis.Redis", tmp_path: Path
) -> None:
    client.hset(keys.CONFIG, mapping={"batch_size": "many", "colour": "red", "max_retries": "2"})
    kept.look({})
    client.flushall()
    assert kept.look({}) == {"max_retries": "2"}
    client.flushall()
    client.set(keys.CONFIG, "text")
    assert kept.look({}) == {}, "a key that holds something else can't take them"
    (tmp_path / "lab" / FILE).write_text(json.dumps({"format": 1, "epoch": "now", "settings": []}))
    with pytest.raises(StateUnusable, match="is damaged"):
        kept.look({})


def test_without_settings_and_without_redis_nothing_is_written(kept: KeptSettings, tmp_path: Path) -> None:
    assert kept.look({}) == {}
    (port,) = choose_free(1)
    away = KeptSettings(tmp_path / "lab", HealthCheck(protocol="redis", host="127.0.0.1", port=port))
    assert away.look({}) == {}
    assert not (tmp_path / "lab").exists()
