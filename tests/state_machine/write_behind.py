"""What always holds, whatever the service, the workers and faults do."""

import json
from typing import Any

import pytest
from hypothesis.stateful import invariant

from service.writebehind import keys
from service.writebehind.entry import queued_at_of
from tests.entries import writes_of
from tests.state_machine.faults import Faults


class WriteBehind(Faults):
    """One service, several workers that come and go, and faults between any two steps."""

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
        older = [member.split(b":", 2)[2] for member in backlog]
        writes = [writes_of(entry) for entry in (*entries, *older)]
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
