"""Wall clocks step by an hour, forwards or backwards, at any moment: nothing is delayed, nothing is lost."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
import pytest
import redis

from service.writebehind import keys
from service.writebehind.entry import Product
from stack.wait import wait_until
from tests.moved_clock import MovedClock, redis_by
from tests.servers import Servers
from tests.worker_process import running_worker
from tests.write_path import OpenPath, WritePath

_WINDOW_MS: Final = 500
#: s after the window within which everything must be in PostgreSQL.
_DRAINED: Final = 5
_STEPS: Final = {"back": [-1], "ahead": [1], "back and ahead": [-1, 0], "ahead and back": [1, 0, 1, -1]}


@dataclass(frozen=True, slots=True)
class Moved:
    """Servers whose Redis uses one clock, and another clock for a worker."""

    servers: Servers
    redis: MovedClock
    worker: MovedClock


@pytest.fixture(scope="module")
def _moved(_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    directory: Path = tmp_path_factory.mktemp("clocks")
    clock = MovedClock(directory / "redis")
    with redis_by(clock, _servers) as own:
        yield Moved(own, clock, MovedClock(directory / "worker"))


@pytest.fixture
def moved(_moved: Moved, servers: Servers) -> Moved:
    _moved.redis.step(hours=0)
    _moved.worker.step(hours=0)
    _moved.servers.empty()
    return _moved


@pytest.fixture
def path(moved: Moved) -> Iterator[WritePath]:
    opened = WritePath.on(moved.servers, coalescing_window_ms=_WINDOW_MS, lease_ms=200)
    yield opened
    opened.close()


def _persisted(path: WritePath, acknowledged: dict[str, int]) -> bool:
    """Whether every product's row carries the version that was acknowledged last."""
    with psycopg.connect(path.settings.database_url) as connection:
        rows = connection.execute("SELECT id, version FROM products WHERE id = ANY(%s)", [list(acknowledged)])
        return dict(rows.fetchall()) == acknowledged


def _wait_until_persisted(path: WritePath, acknowledged: dict[str, int]) -> None:
    wait_until(
        lambda: _persisted(path, acknowledged),
        seconds=_WINDOW_MS / 1000 + _DRAINED,
        reason="every acknowledged write is in PostgreSQL",
        hint="due times must not follow the wall clock",
    )


@pytest.mark.sweep
@pytest.mark.parametrize("whose", ["redis", "worker"])
@pytest.mark.parametrize("steps", _STEPS.values(), ids=_STEPS.keys())
def test_a_step_while_writes_are_taken_and_flushed(
    moved: Moved, path: WritePath, steps: list[int], whose: str
) -> None:
    acknowledged: dict[str, int] = {}
    clock: MovedClock = getattr(moved, whose)
    with running_worker(path.settings, moved.worker.env):
        for hours in [0, *steps]:
            clock.step(hours=hours)
            for n in range(10):
                product = path.create(Product("Widget", 1.0, n))
                changed = path.update(product["id"], Product("Widget", 1.0, n + 1))
                assert changed["version"] > product["version"]
                acknowledged[product["id"]] = changed["version"]
                assert path.read(product["id"])["quantity"] == n + 1
        _wait_until_persisted(path, acknowledged)
    path.assert_balanced()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_step_between_the_write_and_its_flush(moved: Moved, path: WritePath, hours: int) -> None:
    written = path.create()
    moved.redis.step(hours=hours)
    # The window has only begun. Look now and then, as the worker does.
    wait_until(
        lambda: path.flusher.run() > 0 or path.row(written["id"]) is not None,
        seconds=_WINDOW_MS / 1000 + _DRAINED,
        reason="the row is written",
        hint="due times must not follow the wall clock",
    )
    assert path.row(written["id"]) is not None


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_killed_workers_claim_comes_back(moved: Moved, path: WritePath, hours: int) -> None:
    written = path.create()
    path.buffer.flush_now()
    assert path.buffer.claim(path.settings).rows, "a worker claims it, and is killed"
    moved.redis.step(hours=hours)
    wait_until(
        lambda: path.buffer.has_work(path.settings) and path.flusher.run() > 0,
        seconds=_DRAINED,
        reason="the lease ends",
        hint="leases must not follow the wall clock",
    )
    assert path.row(written["id"]) is not None
    path.assert_balanced()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_retry_is_due_when_it_should_be(moved: Moved, path: WritePath, hours: int) -> None:
    written = path.create()
    path.buffer.flush_now()
    claim = path.buffer.claim(path.settings)
    path.buffer.retry(claim, [(claim.rows[0], 1, 0.2)])
    assert path.queue().retrying == 1
    moved.redis.step(hours=hours)
    wait_until(
        lambda: path.buffer.has_work(path.settings) and path.flusher.run() > 0,
        seconds=_DRAINED,
        reason="the retry is due",
        hint="retries must not follow the wall clock",
    )
    assert path.row(written["id"]) is not None


@pytest.mark.parametrize("hours", [-1, 1])
def test_flush_now_takes_effect(moved: Moved, hours: int) -> None:
    path = WritePath.on(moved.servers, coalescing_window_ms=600_000)
    try:
        early = path.create()
        moved.redis.step(hours=hours)
        late = path.create()
        path.buffer.flush_now()
        assert {row.id for row in path.buffer.claim(path.settings).rows} == {early["id"], late["id"]}
        path.create()
        assert not path.buffer.claim(path.settings).rows, "what is written behind it waits"
    finally:
        path.close()


def test_what_is_shown_of_the_queue_is_never_negative(moved: Moved, path: WritePath) -> None:
    path.create()
    for hours in (-1, 1, -1):
        moved.redis.step(hours=hours)
        state = path.queue()
        assert state.oldest_age_ms >= 0
        assert all(item.age_ms >= 0 for item in state.items)


def test_a_living_worker_is_seen_after_a_clock_step(moved: Moved, path: WritePath) -> None:
    path.buffer.heartbeat("host-1", b'{"name":"host-1"}')
    for hours in (-1, 0, 1, 0):
        moved.redis.step(hours=hours)
        path.buffer.heartbeat("host-2", b'{"name":"host-2"}')
        held = path.redis.hgetall(keys.WORKERS)
        assert b"host-2" in held


def test_the_clock_goes_on_and_keeps_its_epoch(moved: Moved, path: WritePath) -> None:
    versions = [path.create()["version"]]
    epoch = _clock(path.redis).epoch
    for hours in (-1, 1, 0, -0.5, 0.5):
        moved.redis.step(hours=hours)
        versions.append(path.create()["version"])
        clock = _clock(path.redis)
        assert clock.epoch == epoch
        assert clock.moment >= clock.wall, "it is never behind Redis' TIME"
    assert all(early < late for early, late in itertools.pairwise(versions))
    path.redis.flushall()
    path.create()
    assert _clock(path.redis).epoch != epoch


def test_versions_rise_over_the_rows_after_a_step_back_and_a_flushall(moved: Moved, path: WritePath) -> None:
    moved.redis.step(hours=1)
    written = path.create()
    path.buffer.flush_now()
    path.flusher.run()
    moved.redis.step(hours=0)
    path.redis.flushall()
    changed = path.update(written["id"], Product("Widget", 1.0, 2))
    assert changed["version"] > written["version"]
    path.buffer.flush_now()
    path.flusher.run()
    row = path.row(written["id"])
    assert row is not None
    assert row["quantity"] == 2


@pytest.mark.parametrize(
    "junk",
    [
        b"", b"junk", b"\x00", b"9007199254740992", b"1e300", b"nan", b"inf", b"-1", b"1 2", b"1 2 3 4",
        b"-1 -1 -1", b"9007199254740992 9007199254740992 9007199254740992", b"9" * 400 + b" 1 1",
        b"1 " + b"9" * 400 + b" 1", b"1 1 " + b"9" * 400, b"1" * 1_000_000,
    ],
    ids=lambda junk: repr(junk[:20]),
)  # fmt: skip
def test_junk_in_the_clock_restarts_it(open_path: OpenPath, junk: bytes) -> None:
    path = open_path()
    first = path.create()
    path.redis.set(keys.CLOCK, junk)
    second, third = path.create(), path.create()
    changed = path.update(first["id"], Product("Widget", 1.0, 2))
    assert second["version"] < third["version"] < 7_300_000_000_000_000
    assert changed["version"] > first["version"]
    path.flusher.run()
    for product in (changed, second, third):
        row = path.row(product["id"])
        assert row is not None
        assert row["version"] == product["version"]


def test_what_was_queued_by_a_clock_that_was_lost_is_due(moved: Moved, path: WritePath) -> None:
    """The lab's clock was an hour ahead of Redis' TIME when it was deleted."""
    moved.redis.step(hours=1)
    queued, claimed, retried = path.create(), path.create(), path.create()
    path.buffer.flush_now()
    claim = path.buffer.claim(path.settings)
    rows = {row.id: row for row in claim.rows}
    path.buffer.release(claim, [rows[queued["id"]]])
    path.buffer.retry(claim, [(rows[retried["id"]], 1, 0.0)])
    moved.redis.step(hours=0)
    path.redis.delete(keys.CLOCK)
    changed = path.update(claimed["id"], Product("Widget", 1.0, 2))
    acknowledged = {p["id"]: p["version"] for p in (queued, retried, changed)}

    def drained() -> bool:
        path.flusher.run()
        return _persisted(path, acknowledged)

    wait_until(drained, seconds=_DRAINED, reason="all is persisted", hint="future times are junk")
    assert path.redis.hlen(keys.PENDING) == 0


def _clock(client: "redis.Redis") -> keys.Clock:
    clock = keys.parse_clock(client.get(keys.CLOCK))
    assert clock is not None
    return clock
