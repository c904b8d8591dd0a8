"""The service as a state machine: it writes, reads, and forgets what is cached."""

import json

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from service.writebehind import keys
from service.writebehind.buffer import Buffer
from service.writebehind.entry import (
    Product,
    product_head,
    timestamp,
    tombstone_head,
    version_of,
)
from service.writebehind.overview import Overview
from service.writebehind.scripts import caching
from service.writebehind.scripts.caching import Marked, Missed
from service.writebehind.scripts.flushing import Claim
from service.writebehind.scripts.runner import Scripts
from service.writebehind.scripts.writing import (
    Absent,
    Accepted,
    KnownRow,
    Operation,
    write,
)
from service.writebehind.settings import Settings
from tests.servers import Servers

PRODUCTS = [f"p{n}" for n in range(4)]
products = st.sampled_from(PRODUCTS)


class Service(RuleBasedStateMachine):
    """What the service does, and what must be known of it."""

    servers: Servers

    def __init__(self) -> None:
        super().__init__()
        self.settings: Settings = self.servers.settings(
            coalescing_window_ms=0, flush_interval_ms=0, batch_size=3, lease_ms=600_000
        )
        self.scripts = Scripts(self.settings.redis_url)
        self.redis = self.scripts.client
        self.redis.flushall()
        self.buffer = Buffer(self.scripts)
        self.overview = Overview(self.scripts, self.settings)
        #: Newest acknowledged version and whether it is a delete, since the last FLUSHALL.
        self.newest: dict[str, tuple[int, bool]] = {}
        #: What "PostgreSQL" holds: version and whether it is a tombstone.
        self.rows: dict[str, tuple[int, bool]] = {}
        #: Versions that were given up, and not yet put back or dropped.
        self.dead: dict[str, set[int]] = {}
        self.claims: list[Claim] = []
        self.highest: dict[str, int] = {}
        #: Accepted entries that were held by a key that is gone.
        self.uncounted = 0
        #: Acknowledged versions that are neither in PostgreSQL nor followed by one that is, apart from those
        #: that are dead letters; and those, by the version of the letter.
        self.alone: dict[str, set[int]] = {product: set() for product in PRODUCTS}
        self.given_up: dict[tuple[str, int], set[int]] = {}
        #: The lab's clock when it was last read.
        self.moment = 0

    @initialize(coalescing=st.booleans())
    def configure(self, coalescing: bool) -> None:
        self.settings = self.settings.changed({"write_coalescing_enabled": coalescing})

    @rule(product=products, delete=st.integers(0, 3).map(lambda n: n == 0), quantity=st.integers(0, 9))
    def write(self, product: str, delete: bool, quantity: int) -> None:
        head = tombstone_head(product) if delete else product_head(product, Product("n", 1.0, quantity))
        operation: Operation = "delete" if delete else "update"
        row = self.rows.get(product)
        known = KnownRow(row[0] if row and not row[1] else 0, "T0", "row")
        answer = write(
            self.scripts,
            operation,
            product,
            head,
            now=timestamp(),
            known=known,
            policy="",
            settings=self.settings,
        )
        gone = self.redis_knows_tombstone(product)
        if not isinstance(answer, Accepted):
            assert answer is Absent.GONE
            assert gone
            return
        document = json.loads(answer.document)
        version = document["version"]
        assert version > self.highest.get(product, 0), "versions rise per product, whatever happens"
        self.highest[product] = version
        self.newest[product] = (version, delete)
        self.alone[product].add(version)

    def redis_knows_tombstone(self, product: str) -> bool:
        newest = self.newest.get(product)
        return newest is not None and newest[1]

    @rule(product=products)
    def read(self, product: str) -> None:
        found = caching.read(self.scripts, product)
        newest = self.newest.get(product)
        if isinstance(found, Marked):
            # The newer of what is pending and what PostgreSQL holds is the answer.
            version, deleted = self.rows.get(product, (0, False))
            held = json.dumps({"id": product, "deleted": deleted, "version": version}, separators=(",", ":"))
            caching.resolve(self.scripts, product, found, version=version, document=held.encode(), ttl=3600)
            if newest:
                assert max(version, version_of(found.pending)) >= newest[0]
            return
        if isinstance(found, Missed):
            # PostgreSQL is asked then: it must not be behind what was acknowledged.
            if newest and newest[0] not in self.dead.get(product, set()):
                assert self.rows.get(product, (0, False))[0] >= newest[0]
            return
        assert newest is not None
        assert version_of(found.document) == newest[0]

    @rule(product=products)
    def evict(self, product: str) -> None:
        self.redis.delete(keys.cache(product))
        newest = self.newest.get(product)
        if newest and not self.redis.hexists(keys.PENDING, product):
            # Redis may now forget it; PostgreSQL remembers.
            del self.newest[product]

    @rule(coalescing=st.booleans())
    def switch_coalescing(self, coalescing: bool) -> None:
        self.settings = self.settings.changed({"write_coalescing_enabled": coalescing})
