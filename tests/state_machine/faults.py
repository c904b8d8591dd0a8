"""Faults between any two steps: Redis loses its memory, its clock, or single keys."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from service.writebehind import keys
from tests.state_machine.service import PRODUCTS
from tests.state_machine.workers import Workers


class Faults(Workers):
    """The service, its workers and faults."""

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
