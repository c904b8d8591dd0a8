"""Junk in Redis may cost its own product, never another. For every key and kind of junk, planted while writes
are accepted, the acknowledged writes of all other products reach PostgreSQL."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

import psycopg
import pytest
import redis

from service.writebehind import keys
from service.writebehind.entry import Product
from service.writebehind.scripts.flushing import restore
from service.writebehind.settings import Settings
from service.writebehind.totals import SETTLED, TOTALS
from stack.wait import wait_until
from tests.servers import Servers
from tests.worker_process import running_worker
from tests.write_path import OpenPath, WritePath

#: s
_DRAINED: Final = 5
_HUGE: Final = b"9" * 100_000
_TEXTS: Final = (
    b"", b"junk", b"\x00", b"\xff\xfe", _HUGE, b"-1", b"0", b"007", b"1e300", b"nan", b"inf", b"-inf",
    b"9007199254740992", b"9223372036854775807", b"99999999999999999999", b"{}", b"[]", b"null",
)  # fmt: skip
_MEMBERS: Final = (b"", b"junk", b"\x00", b"\xff\xfe", _HUGE, b"a:b:c", b"p:0000000000000007:{}", b"seed-001")
_SCORES: Final = ("-inf", "+inf", "0", "-1", "9007199254740992", "1e300", "0.5")
_ENTRIES: Final = (
    b"", b"junk", b"\x00", b"\xff\xfe", b"{}", b"null", b'{"id":"junk","version":007}',
    b'{"id":"junk","version":007,"queued_at":1,"attempts":0}',
    b'{"id":"junk","version":-1,"queued_at":99999999999999999999,"attempts":0}',
    b'{"id":"junk","deleted":true,"version":99999999999999999999,"queued_at":9007199254740992,"attempts":0}',
    b'{"id":"junk","version":1,"queued_at":9007199254740992,"attempts":99999999999999999999}', b"[" * 5_000,
    b'{"id":"junk","version":1,"queued_at":1,"attempts":0,"writes":99999999999999999999}',
    b'{"id":"junk","version":1,"queued_at":1,"attempts":0,"writes":0,"claimed":9,"traceparent":"x"}',
    b'{"id":"junk","version":7,"queued_at":1,"attempts":0,"writes":3,"claimed":%b}' % (b"9" * 30),
)  # fmt: skip

Plant = Callable[["redis.Redis"], object]


def _of(plant: Callable[["redis.Redis", Any], object], kinds: Iterable[Any]) -> list[Plant]:
    return [partial(lambda kind, client: plant(client, kind), kind) for kind in kinds]


def _texts(key: str) -> list[Plant]:
    return _of(lambda c, text: c.set(key, text), _TEXTS)


def _fields(key: str, *names: str) -> list[Plant]:
    return _of(lambda c, text: c.hset(key, mapping=dict.fromkeys(names, text)), _TEXTS)


def _scored(key: str) -> list[Plant]:
    scores = _of(lambda c, score: _command(c, "ZADD", key, score, "junk"), _SCORES)
    return scores + _of(lambda c, member: c.zadd(key, {member: 0.0}), _MEMBERS)


def _listed(key: str) -> list[Plant]:
    """Junk at both ends of a list."""
    return _of(lambda c, member: (c.lpush(key, member, member), c.rpush(key, member, member)), _MEMBERS)


def _queued_entries() -> list[Plant]:
    return _of(lambda c, entry: (c.hset(keys.PENDING, "junk", entry), c.rpush(keys.QUEUE, "junk")), _ENTRIES)


def _command(client: Any, *command: str) -> object:
    return client.execute_command(*command)


def _of_other_types(key: str) -> list[Plant]:
    """Junk in place of the key; the last one deletes it."""
    kinds: dict[str, Plant] = {
        "string": lambda c: c.set(key, "junk"),
        "list": lambda c: c.rpush(key, "junk"),
        "hash": lambda c: c.hset(key, "junk", "junk"),
        "zset": lambda c: c.zadd(key, {"junk": 1.0}),
        "set": lambda c: c.sadd(key, "junk"),
        "stream": lambda c: c.xadd(key, {"junk": "junk"}),
        "none": lambda c: None,
    }
    other = [plant for kind, plant in kinds.items() if kind != keys.TYPES.get(key, "string")]
    return _of(lambda c, plant: (c.delete(key), plant(c)), other)


_JUNK: Final[dict[str, list[Plant]]] = {
    keys.QUEUE: _listed(keys.QUEUE),
    keys.PENDING: _queued_entries(),
    keys.INFLIGHT: _scored(keys.INFLIGHT),
    keys.RETRY: _scored(keys.RETRY),
    keys.BACKLOG: _scored(keys.BACKLOG),
    keys.DLQ: _listed(keys.DLQ),
    keys.CLOCK: _texts(keys.CLOCK),
    keys.SIGNAL: _texts(keys.SIGNAL),
    keys.FLUSH_NOW: _texts(keys.FLUSH_NOW),
    keys.TOTALS: _fields(keys.TOTALS, *TOTALS, SETTLED.decode()),
    keys.CONFIG: _fields(
        keys.CONFIG, "write_policy", "write_coalescing_enabled", "coalescing_window_ms", "batch_size",
        "overflow_policy", "cache_ttl_seconds", "max_retries", "junk",
    ),
    keys.WORKERS: _fields(keys.WORKERS, "junk", "host-1"),
}  # fmt: skip


@pytest.fixture(scope="module")
def _worker(_servers: Servers) -> Iterator[Settings]:
    settings = _servers.settings(coalescing_window_ms=0, flush_interval_ms=0, lease_ms=300, retry_delay_ms=1)
    # What tests of other modules planted there is not this worker's.
    _servers.empty()
    with running_worker(settings):
        yield settings


@pytest.fixture
def path(_worker: Settings, open_path: OpenPath) -> WritePath:
    """A write path with a running worker."""
    return open_path()


class Others:
    """Products that have nothing to do with the junk, and their acknowledged versions."""

    def __init__(self, path: WritePath) -> None:
        self._path = path
        self.acknowledged: dict[str, int] = {}

    def write(self) -> str:
        """Create one and update it."""
        made = self._path.create()
        self.acknowledged[made["id"]] = made["version"]
        self.update(made["id"])
        return str(made["id"])

    def update(self, product_id: str) -> None:
        changed = self._path.update(product_id, Product("Widget", 1.0, 7))
        assert changed["version"] > self.acknowledged[product_id]
        self.acknowledged[product_id] = changed["version"]
        assert self._path.read(product_id)["version"] == changed["version"]

    def wait_until_persisted(self) -> None:
        wait_until(self._persisted, seconds=_DRAINED, reason="all is in PostgreSQL", hint="what planted it?")

    def _persisted(self) -> bool:
        with psycopg.connect(self._path.settings.database_url) as connection:
            query = "SELECT id, version FROM products WHERE id = ANY(%s)"
            return dict(connection.execute(query, [list(self.acknowledged)]).fetchall()) == self.acknowledged


def _nothing_goes_round(path: WritePath) -> bool:
    """Nothing is queued, claimed or waiting for a retry any more, so the junk does not circulate."""
    state = path.queue()
    return not (state.queue_size or state.inflight or state.retrying or path.redis.hlen(keys.PENDING))


@pytest.mark.parametrize("key", _JUNK)
def test_junk_in_a_key_of_the_right_type(path: WritePath, key: str) -> None:
    others = Others(path)
    for plant in _JUNK[key]:
        before = others.write()
        plant(path.redis)
        others.write()
        others.update(before)
    others.wait_until_persisted()
    path.queue()
    if key != keys.CONFIG:
        wait_until(
            lambda: _nothing_goes_round(path),
            seconds=_DRAINED,
            reason="the junk is gone",
            hint="see the state",
        )


@pytest.mark.parametrize("key", _JUNK)
def test_a_key_of_another_type_or_deleted(path: WritePath, key: str) -> None:
    """What the key itself held may be lost, so only later writes count. But queue, leases and retries are
    rebuilt from the pending entries."""
    others = Others(path)
    for plant in _of_other_types(key):
        before = others.write()
        if key == keys.PENDING:
            others.wait_until_persisted()
        plant(path.redis)
        others.write()
        others.update(before)
    others.wait_until_persisted()
    assert path.queue().queue_size == 0


@pytest.mark.parametrize("of", [keys.cache, keys.fill])
def test_junk_in_the_cache(path: WritePath, of: Callable[[str], str]) -> None:
    """The product's own write is accepted all the same, and can be read back."""
    others = Others(path)
    product = others.write()
    for plant in [*_texts(of(product)), *_of_other_types(of(product))]:
        plant(path.redis)
        others.update(product)
    others.wait_until_persisted()


def test_a_queue_deleted_under_load_is_rebuilt_while_the_load_goes_on(path: WritePath) -> None:
    path.redis.hset(keys.CONFIG, mapping={"coalescing_window_ms": "600000"})
    stuck = Others(path)
    for _ in range(50):
        stuck.write()
    path.redis.delete(keys.QUEUE)
    path.redis.delete(keys.CONFIG)
    load = Others(path)

    def stuck_ones_are_persisted() -> bool:
        load.write()
        return stuck._persisted()

    wait_until(stuck_ones_are_persisted, seconds=_DRAINED, reason="orphans are queued", hint="restore.lua")
    load.wait_until_persisted()


def test_orphans_of_a_queue_too_long_to_be_gone_through(path: WritePath) -> None:
    path.redis.hset(keys.CONFIG, mapping={"coalescing_window_ms": "600000"})
    others = Others(path)
    orphans = {others.write() for _ in range(20)}
    path.redis.delete(keys.QUEUE)
    queued = {others.write() for _ in range(8)}
    cursor = b"0"
    for _ in range(20):
        _, cursor = restore(path.scripts, cursor=cursor, limit=5)
    ids = [product.decode() for product in path.redis.lrange(keys.QUEUE, 0, -1)]  # type: ignore[union-attr]
    assert sorted(ids) == sorted(orphans | queued)
    path.redis.delete(keys.CONFIG)
    others.wait_until_persisted()


def test_a_lease_without_end_hides_no_product(path: WritePath) -> None:
    others = Others(path)
    product = others.write()
    others.wait_until_persisted()
    _command(path.redis, "ZADD", keys.INFLIGHT, "+inf", product)
    _command(path.redis, "ZADD", keys.RETRY, "+inf", product)
    others.update(product)
    others.wait_until_persisted()


def test_a_failed_script_has_changed_nothing(path: WritePath) -> None:
    """Every script checks its keys before it changes any."""
    product = Others(path).write()
    path.redis.delete(keys.QUEUE)
    path.redis.set(keys.QUEUE, "junk")
    totals = path.queue().totals["accepted"]
    path.update(product)
    path.create()
    assert path.queue().totals["accepted"] == totals + 2
