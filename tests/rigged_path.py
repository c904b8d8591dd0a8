"""A write path whose next steps can be made to fail."""

from typing import Any

from service.writebehind import keys
from service.writebehind.entry import Product
from service.writebehind.scripts.script import Script
from tests.rigged import RiggedScripts, RiggedStore
from tests.write_path import WritePath

SEED = "seed-001"
NEW, NEWER = Product("New", 1.0, 1), Product("Newer", 2.0, 2)
THROUGH, BEHIND = "write_through", "write_behind"


class Rigged:
    """One process of the service."""

    def __init__(self, path: WritePath) -> None:
        assert isinstance(path.scripts, RiggedScripts)
        assert isinstance(path.store, RiggedStore)
        self.path, self.scripts, self.store = path, path.scripts, path.store

    def through(self, product: Product = NEW, product_id: str = SEED) -> dict[str, Any]:
        return self.path.update(product_id, product, policy=THROUGH)

    def behind(self, product: Product = NEWER, product_id: str = SEED) -> dict[str, Any]:
        return self.path.update(product_id, product, policy=BEHIND)

    def fail(self, script: Script, error: BaseException, times: int = 1) -> None:
        self.scripts.faults[script] = [error] * times

    def mark(self) -> bytes | None:
        held: Any = self.path.redis.get(keys.fill(SEED))
        return held if held and held.startswith(b"writing:") else None

    def let_time_pass(self, seconds: int) -> None:
        """Make the mark of the seed look older than it is."""
        held = self.mark()
        assert held
        name, version, since, *rest = held.split(b":")
        aged = b":".join((name, version, b"%d" % (int(since) - seconds * 1_000_000), *rest))
        self.path.redis.set(keys.fill(SEED), aged)

    def assert_all_agree(self) -> dict[str, Any]:
        """Flush, then check that the cache, PostgreSQL and readers agree. Returns the product."""
        self.path.flusher.run()
        read, again = self.path.read(SEED), self.path.read(SEED)
        assert again["source"] == "cache"
        row = self.path.row(SEED)
        assert row is not None
        assert row["version"] == read["version"] == again["version"]
        self.path.assert_balanced()
        return again
