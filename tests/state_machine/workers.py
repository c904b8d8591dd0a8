"""Several workers that come and go: they claim, and do with their claims whatever they may, also late."""

import json
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from service.writebehind import keys
from service.writebehind.entry import (
    DeadLetter,
)
from service.writebehind.scripts.writing import (
    Requeued,
    requeue,
)
from tests.state_machine.service import Service


class Workers(Service):
    """The service and its workers."""

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
    def has_work(self) -> None:
        waiting = self.redis.llen(keys.QUEUE) > 0
        assert self.buffer.has_work(self.settings) or not waiting
