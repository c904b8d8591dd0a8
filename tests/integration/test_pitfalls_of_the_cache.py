"""The earlier lab's defects of the cache: what readers see, and what evicts it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from service.writebehind import keys
from service.writebehind.entry import Product
from service.writebehind.errors import NoSuchProduct, StoreUnavailable
from service.writebehind.store import Store
from tests.ledgered import LedgeredPath, widget
from tests.rigged import press_memory
from tests.write_path import OpenPath, Parts

SEED = "seed-001"


@pytest.fixture
def run(open_path: OpenPath) -> Iterator[LedgeredPath]:
    with LedgeredPath(open_path(), Parts()) as run:
        yield run


def test_09_no_reader_sees_a_deleted_product_again(run: LedgeredPath) -> None:
    products = [f"seed-00{n}" for n in range(1, 6)]
    ended = threading.Event()

    def read_on() -> None:
        while not ended.is_set():
            for product in products:
                with suppress(NoSuchProduct):
                    run.path.reads.get(product)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read_on) for _ in range(4)]
        try:
            for product in products:
                run.path.evict(product)
                assert run.delete(product).answer == "acknowledged"
                assert run.update(product, widget("After")).answer == "refused", "and not silently dropped"
                run.drain()
                run.path.evict(product)
        finally:
            ended.set()
    for reader in readers:
        reader.result()
    for product in products:
        with pytest.raises(NoSuchProduct):
            run.path.reads.get(product)
    assert run.assert_nothing_lost().fates["persisted"] == 5


def test_10_a_pending_write_is_found_without_its_cache_entry(run: LedgeredPath) -> None:
    run.update(SEED, widget("Newest"))
    product = run.create(widget("New"))
    for _ in range(2):
        for pending in (SEED, product):
            run.path.evict(pending)
        assert (run.path.read(SEED)["name"], run.path.read(product)["name"]) == ("Newest", "New")
        run.drain()
    run.assert_nothing_lost()


def test_12_memory_pressure_evicts_cache_entries_but_never_the_queue(run: LedgeredPath) -> None:
    products = [run.create(widget(f"P{n}")) for n in range(50)]
    press_memory(run.path.redis)
    assert run.path.redis.info("stats")["evicted_keys"] > 1000
    assert not any(run.path.redis.exists(keys.cache(product)) for product in products)
    assert run.path.queue().queue_size == 50
    assert {run.path.read(product)["source"] for product in products} == {"pending"}
    run.drain()
    assert run.assert_nothing_lost().fates["persisted"] == 50


def test_13_the_loss_check_is_not_deceived_by_the_cache(run: LedgeredPath) -> None:
    products = [run.create(widget(f"P{n}")) for n in range(20)]
    run.drain()
    run.path.sql("DELETE FROM products WHERE id = ANY(%s)", products)
    assert {run.path.read(product)["source"] for product in products} == {"cache"}, "all seems well"
    verdict = run.judge()
    assert (verdict.fates["lost"], set(verdict.lost_products)) == (20, set(products))
    assert (verdict.validity, set(verdict.diverged)) == ("invalid", set(products))


class _Watched(Store):
    """Checks what readers see while a write is on its way to PostgreSQL, then makes the write fail."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self.glance: Callable[[], object] = lambda: None
        self.seen: list[object] = []

    def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
        self.seen.append(self.glance())
        raise StoreUnavailable("PostgreSQL went away before the commit")


def test_15_a_value_that_is_never_committed_is_never_shown(open_path: OpenPath) -> None:
    path = open_path(Parts(store=_Watched))
    assert isinstance(path.store, _Watched)
    path.store.glance = lambda: path.read(SEED)["name"]
    before = path.read(SEED)["name"]
    with pytest.raises(StoreUnavailable):
        path.update(SEED, Product("Phantom", 1.0, 1), policy="write_through")
    assert path.store.seen == [before]
    assert path.read(SEED)["name"] == before
