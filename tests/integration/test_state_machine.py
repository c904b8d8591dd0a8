"""A state machine drives the Lua core against a small model, on real Redis.

The model knows, for every product, the versions acknowledged since Redis was last emptied, and keeps
"PostgreSQL" as a dictionary under the same version guard as the SQL.
"""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from service.writebehind import keys
from service.writebehind.buffer import Buffer
from service.writebehind.entry import (
    DeadLetter,
    Product,
    product_head,
    queued_at_of,
    timestamp,
    tombstone_head,
    version_of,
    writes_of,
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
    Requeued,
    requeue,
    write,
)
from service.writebehind.settings import Settings
from tests.servers import Servers

PRODUCTS = [f"p{n}" for n in range(4)]
products = st.sampled_from(PRODUCTS)


class WriteBehind(RuleBasedStateMachine):
    """One service, several workers that come and go, and faults between any two steps."""

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

    # The service

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

    # The workers

    @rule()
    def claim(self) -> None:
        claim = self.buffer.claim(self.settings)
        assert len({row.id for row in claim.rows}) == len(claim.rows)
        if claim.rows:
            self.claims.append(claim)

    @rule()
    def claim_after_all_leases_ended(self) -> None:
        # A lease that ends before it begins, so the test need not wait.
        ended = msgspec.structs.replace(self.settings, lease_ms=-1)
        claim = self.buffer.claim(ended)
        if claim.rows:
            self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), acks=st.booleans())
    def persist(self, data: st.DataObject, acks: bool) -> None:
        """Write a claim's rows, perhaps repeatedly or late; a killed worker does not acknowledge."""
        claim = data.draw(st.sampled_from(self.claims))
        for row in claim.rows:
            if row.version > self.rows.get(row.id, (0, False))[0]:
                self.rows[row.id] = (row.version, json.loads(row.entry).get("deleted", False))
                self.alone[row.id] = {v for v in self.alone[row.id] if v > row.version}
        if acks:
            self.buffer.ack(claim, claim.rows, rows_written=len(claim.rows))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        self.buffer.release(claim, claim.rows)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        self.buffer.retry(claim, [(row, 1, 0.0) for row in claim.rows])

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def dead_letter(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        letters = [DeadLetter.of(r.id, r.version, r.entry, error="e", attempts=1) for r in claim.rows]
        self.buffer.dead_letter(claim, letters)
        self.learn_dead_letters()

    def learn_dead_letters(self) -> None:
        self.dead = {}
        for letter in self.redis.lrange(keys.DLQ, 0, -1):
            content = json.loads(letter)
            self.dead.setdefault(content["id"], set()).add(content["version"])
        for product, version in ((p, v) for p, versions in self.dead.items() for v in versions):
            if (product, version) not in self.given_up:
                self.given_up[product, version] = {v for v in self.alone[product] if v <= version}
                self.alone[product] -= self.given_up[product, version]
        for product, versions in self.dead.items():
            newest = self.newest.get(product)
            if newest and newest[0] in versions and not self.redis.hexists(keys.PENDING, product):
                del self.newest[product]

    @precondition(lambda self: self.dead)
    @rule()
    def requeue(self) -> None:
        letters: Any = self.redis.lrange(keys.DLQ, 0, -1)
        for letter in letters:
            content = json.loads(letter)
            product, version = content["id"], content["version"]
            known = self.rows.get(product, (0, False))[0] >= version
            entry = json.dumps(content["entry"], separators=(",", ":"))
            document = "" if known else entry[: entry.index(',"queued_at"')] + "}"
            outcome, _ = requeue(
                self.scripts,
                letter,
                product_id=product,
                version=version,
                document=document.encode(),
                writes=content["entry"]["writes"],
            )
            given_up = self.given_up.pop((product, version))
            newest = self.newest.get(product)
            assert outcome is not Requeued.LEFT
            if outcome is Requeued.PENDING:
                assert newest is None or newest[0] < version
                self.newest[product] = (version, content["entry"].get("deleted", False))
                persisted = self.rows.get(product, (0, False))[0]
                self.alone[product] |= {v for v in given_up if v > persisted}
        self.dead = {}

    @rule()
    def flushall(self) -> None:
        self.redis.flushall()
        self.newest = {}
        self.dead = {}
        self.alone = {product: set() for product in PRODUCTS}
        self.given_up = {}
        self.uncounted = 0
        self.forget_the_clock()

    @rule(hours=st.sampled_from([-1, 1]), again=st.booleans())
    def step_the_wall_clock(self, hours: int, again: bool) -> None:
        """Redis' TIME can't be moved here, so what the lab's clock remembers of it is: that it was an hour
        ahead is the same as a step back by an hour since."""
        for _ in range(1 + again):
            clock = keys.parse_clock(self.redis.get(keys.CLOCK))
            if clock is not None:
                wall = clock.wall - hours * 3_600_000_000
                self.redis.set(keys.CLOCK, f"{clock.moment} {wall} {clock.epoch}")

    @rule(junk=st.sampled_from(["", "junk", "9007199254740992", "9e300 1 1", "1 1 1"]))
    def lose_the_clock(self, junk: str) -> None:
        self.redis.set(keys.CLOCK, junk)
        self.forget_the_clock()

    def forget_the_clock(self) -> None:
        """A new clock may be behind the old one, so that only what is known of a product keeps its versions
        rising: its row, or its newest write."""
        self.moment = 0
        for product in self.highest:
            known = self.newest.get(product, (0, False))[0], self.rows.get(product, (0, False))[0]
            self.highest[product] = max(known)

    @rule()
    def lose_the_queue(self) -> None:
        self.redis.delete(keys.QUEUE)
        self.restore()

    @rule()
    def lose_the_leases(self) -> None:
        """And the retries: what was claimed is queued again, and what became of a claimed entry that was
        replaced meanwhile is not counted any more."""
        self.uncounted += self.in_hand_and_replaced()
        self.redis.delete(keys.INFLIGHT, keys.RETRY)
        self.restore()

    def restore(self) -> None:
        for _ in range(10):
            if not self.buffer.restore():
                break
        else:
            pytest.fail("there is always something to restore")

    @rule()
    def has_work(self) -> None:
        waiting = self.redis.llen(keys.QUEUE) > 0
        assert self.buffer.has_work(self.settings) or not waiting

    def in_hand_and_replaced(self) -> int:
        """Claimed entries behind which something newer waits: their worker will say what became."""
        count = 0
        inflight: Any = self.redis.zrange(keys.INFLIGHT, 0, -1, withscores=True)
        for product, claimed_at in inflight:
            entry: Any = self.redis.hget(keys.PENDING, product)
            backlog: Any = self.redis.zrangebylex(keys.BACKLOG, b"[%b:" % product, b"(%b;" % product)
            if backlog:
                entry = backlog[0].split(b":", 2)[2]
            count += bool(entry and json.loads(entry)["queued_at"] > claimed_at)
        return count

    # What always holds

    @invariant()
    def the_clock_never_goes_back(self) -> None:
        clock = keys.parse_clock(self.redis.get(keys.CLOCK))
        if clock is not None:
            assert clock.moment >= self.moment
            self.moment = clock.moment

    @invariant()
    def every_pending_product_is_in_one_place(self) -> None:
        pending = self.redis.hkeys(keys.PENDING)
        queued = self.redis.lrange(keys.QUEUE, 0, -1)
        inflight = self.redis.zrange(keys.INFLIGHT, 0, -1)
        retrying = self.redis.zrange(keys.RETRY, 0, -1)
        places = [*queued, *inflight, *retrying]
        for product in pending:
            found = places.count(product)
            # A look for what is queued nowhere passes over what is younger than the queue's head: it is
            # found once the head has moved on.
            assert found == 1 or (found == 0 and queued and self.is_younger(product, queued[0])), (
                product, queued, inflight, retrying,
            )  # fmt: skip

    def is_younger(self, product: Any, other: Any) -> bool:
        entries: Any = self.redis.hmget(keys.PENDING, [product, other])
        one, two = (queued_at_of(entry or b"") for entry in entries)
        return one >= two

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        for product, (version, _) in self.newest.items():
            entry = self.redis.hget(keys.PENDING, product)
            held = json.loads(entry)["version"] if entry else 0
            persisted = self.rows.get(product, (0, False))[0]
            assert max(held, persisted) >= version or version in self.dead.get(product, set())

    @invariant()
    def accounts_balance(self) -> None:
        totals = self.overview.queue().totals
        waiting = self.redis.hlen(keys.PENDING) + self.redis.zcard(keys.BACKLOG) + self.in_hand_and_replaced()
        assert totals["accepted"] == (
            totals["coalesced"] + totals["persisted"] + totals["dead_lettered"] + waiting + self.uncounted
        )

    @invariant()
    def exposure_is_what_the_entries_stand_for(self) -> None:
        entries: Any = self.redis.hvals(keys.PENDING)
        backlog: Any = self.redis.zrange(keys.BACKLOG, 0, -1)
        writes = [writes_of(entry) for entry in (*entries, *backlog)]
        exposed = self.overview.queue().exposed
        assert min(writes, default=1) > 0
        assert (exposed.writes, exposed.products) == (sum(writes), len(entries))

    @invariant()
    def exposure_hides_nothing(self) -> None:
        """What is in PostgreSQL counts until its worker says so."""
        assert self.overview.queue().exposed.writes >= sum(map(len, self.alone.values()))

    def teardown(self) -> None:
        """With everything up, the queue always drains."""
        for _ in range(100):
            self.claim_after_all_leases_ended()
            self.restore()
            state = self.overview.queue()
            if not (state.queue_size or state.inflight or state.retrying):
                break
            for claim in self.claims[-1:]:
                for row in claim.rows:
                    if row.version > self.rows.get(row.id, (0, False))[0]:
                        self.rows[row.id] = (row.version, False)
                self.buffer.ack(claim, claim.rows, rows_written=0)
        else:
            pytest.fail("the queue does not drain")
        assert self.redis.hlen(keys.PENDING) == self.redis.zcard(keys.BACKLOG) == 0
        self.scripts.close()


def test_a_claim_that_was_replaced_and_left_behind_is_accounted_for(servers: Servers) -> None:
    """Replaced while coalescing, then with older entries kept behind it, then given up by its worker."""
    WriteBehind.servers = servers
    for worker_returns in (True, False):
        state = WriteBehind()
        state.configure(coalescing=True)
        for coalescing in (True, False):
            state.write(product="p0", delete=False, quantity=0)
            if coalescing:
                state.claim()
                state.write(product="p0", delete=False, quantity=1)
            state.switch_coalescing(coalescing=False)
        state.accounts_balance()
        if worker_returns:
            state.buffer.ack(state.claims[0], state.claims[0].rows, rows_written=1)
        else:
            state.claim_after_all_leases_ended()
        state.accounts_balance()
        state.teardown()


def test_older_entries_of_a_clock_that_was_lost_are_accounted_for(servers: Servers) -> None:
    """Kept while coalescing was off, dated by a clock that was two hours ahead of its successor."""
    WriteBehind.servers = servers
    state = WriteBehind()
    state.configure(coalescing=False)
    state.write(product="p1", delete=False, quantity=0)
    state.step_the_wall_clock(1, again=True)
    for quantity in (1, 2):
        state.write(product="p0", delete=False, quantity=quantity)
    state.lose_the_clock("junk")
    state.write(product="p0", delete=False, quantity=3)
    state.claim()
    state.accounts_balance()
    state.claim_after_all_leases_ended()
    state.accounts_balance()
    state.teardown()


@pytest.mark.parametrize("examples", [30, pytest.param(150, marks=pytest.mark.slow)])
def test_the_lua_core_against_its_model(servers: Servers, examples: int) -> None:
    WriteBehind.servers = servers
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        WriteBehind,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
