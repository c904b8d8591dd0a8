"""Everything at once: both policies, reads, deletes, flushes, evictions, and steps that fail half-way.

No client sees an older version than one it was told or has seen; what was deleted stays deleted; at the end
the cache and PostgreSQL hold the newest acknowledged write, or a newer one that was not acknowledged.
"""

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from service.writebehind.errors import NoSuchProduct, OutcomeUnknown, StoreUnavailable, WriteBehindError
from service.writebehind.scripts.runner import Scripts
from service.writebehind.scripts.script import Script
from service.writebehind.store import Store
from stack.wait import wait_until
from tests.watched import Watched, every, for_a_while
from tests.write_path import OpenPath, Parts, WritePath

SHARED = ("seed-001", "seed-002")
POLICIES = ("write_behind", "write_through", "")


class Chaos:
    """Decides which steps fail, until it is told to be calm."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rate = 0.04
        self._pause = threading.Event()

    def strikes(self) -> bool:
        return self.chance.random() < self.rate

    def delay(self) -> None:
        if self.strikes():
            self._pause.wait(self.chance.random() * 0.02)


class ChaoticScripts(Scripts):
    """The connection breaks before or after a script has run."""

    def __init__(self, redis_url: str, *, chaos: Chaos) -> None:
        super().__init__(redis_url)
        self._chaos = chaos

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        if self._chaos.strikes():
            raise OutcomeUnknown("broke off before")
        self._chaos.delay()
        answer = super().run(script, keys, args)
        if self._chaos.strikes():
            raise OutcomeUnknown("broke off behind")
        return answer


class ChaoticStore(Store):
    """PostgreSQL is out of reach, slow, or breaks off after the commit."""

    def __init__(self, database_url: str, *, chaos: Chaos) -> None:
        super().__init__(database_url)
        self._chaos = chaos

    def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
        if self._chaos.strikes():
            raise StoreUnavailable("out of reach")
        self._chaos.delay()
        changed = super().write(entries, lock_ms=lock_ms)
        self._chaos.delay()
        if self._chaos.strikes():
            raise OutcomeUnknown("broke off behind the commit")
        return changed


class Owner:
    """A client with a product of its own, from its creation to its deletion, and then another."""

    def __init__(self, path: WritePath, chance: random.Random) -> None:
        self._path = path
        self._chance = chance
        self._product: Watched | None = None
        self.wrong: list[str] = []
        self.deleted: list[str] = []

    def act(self) -> None:
        policy = self._chance.choice(POLICIES)
        product = self._product
        if product is None:
            with suppress(WriteBehindError):
                created = self._path.create(policy=policy)
                self._product = Watched(self._path, created["id"], newest=created["version"])
        elif self._chance.random() < 0.1:
            self._delete(product, policy)
        elif self._chance.random() < 0.5:
            product.update(policy)
        else:
            product.read()
            self.wrong += [f"{product.id}: {older} after {newer}" for older, newer in product.stale]

    def _delete(self, product: Watched, policy: str) -> None:
        self._product = None
        try:
            self._path.delete(product.id, policy=policy)
        except WriteBehindError:
            # It may have been deleted or not.
            return
        self.deleted.append(product.id)
        self.assert_gone(product.id)

    def assert_gone(self, product_id: str) -> None:
        update = partial(self._path.update, product_id, policy=self._chance.choice(POLICIES))
        calls: list[Callable[[], Any]] = [lambda: self._path.read(product_id), update]
        for call in calls:
            try:
                self.wrong.append(f"{product_id} is deleted, but {call()}")
            except NoSuchProduct:
                continue
            except WriteBehindError:
                continue

    def assert_all_gone(self) -> None:
        for product_id in self.deleted:
            self.assert_gone(product_id)
            assert self._path.row(product_id) is None
        assert self.wrong == []


def torture(open_path: OpenPath, seed: int, seconds: float) -> None:
    chaos = Chaos(seed)
    parts = Parts(scripts=partial(ChaoticScripts, chaos=chaos), store=partial(ChaoticStore, chaos=chaos))
    # Odd seeds coalesce; even ones keep every write.
    path, worker = (open_path(parts, lease_ms=100, write_coalescing_enabled=seed % 2 == 1) for _ in range(2))
    shared = [Watched(path, product) for product in SHARED]
    owners = [Owner(path, random.Random(f"{seed} {n}")) for n in range(3)]
    calls: list[Callable[[], object]] = [owner.act for owner in owners]
    for product in shared:
        calls += [
            product.read,
            partial(product.update, "write_behind"),
            partial(product.update, "write_through"),
        ]

    def flush() -> None:
        with suppress(WriteBehindError):
            worker.flusher.run()

    def evict() -> None:
        path.redis.delete(f"cache:product:{chaos.chance.choice(SHARED)}")

    def enough() -> bool:
        kinds = ("read", "write_behind", "write_through")
        return any(owner.deleted for owner in owners) and all(product.has(5, *kinds) for product in shared)

    for_a_while(seconds, *calls, every(0.005, flush), every(0.003, evict), enough=enough)
    chaos.rate = 0.0

    drain(path, worker)
    for product in shared:
        assert_newest(product)
    for owner in owners:
        owner.assert_all_gone()
    path.assert_balanced()


def drain(path: WritePath, worker: WritePath) -> None:
    """Flush until nothing is left. Without coalescing thousands of writes of one product wait, and each takes
    a statement of its own: how long that takes depends on the machine, but it must get on."""

    def left() -> int:
        state = path.queue()
        return state.queue_size + state.inflight + state.retrying + state.backlog

    def gets_on() -> bool:
        worker.flusher.run()
        return left() < before

    while before := left():
        wait_until(gets_on, seconds=20, reason=f"fewer than {before} entries are left", hint="see the worker")


def assert_newest(product: Watched) -> None:
    """Readers and PostgreSQL agree, on the newest acknowledged write or one of unknown outcome behind it."""
    assert product.stale == []
    read, row = product.path.read(product.id), product.path.row(product.id)
    assert row is not None
    assert row["version"] == read["version"] >= product.newest
    assert product.path.read(product.id)["version"] == read["version"]


@pytest.mark.parametrize("seed", [1])
def test_no_client_sees_the_past(open_path: OpenPath, seed: int) -> None:
    torture(open_path, seed, seconds=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 16))
def test_no_client_sees_the_past_for_long(open_path: OpenPath, seed: int) -> None:
    torture(open_path, seed, seconds=8)
