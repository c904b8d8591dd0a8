"""The life of a pending entry, as docs/architecture.md draws it: every move is seen, and no other."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import msgspec

from service.writebehind import keys
from service.writebehind.buffer import Claim
from service.writebehind.entry import DeadLetter
from service.writebehind.errors import CacheUnavailable
from service.writebehind.scripts import Script
from tests.rigged import RiggedScripts
from tests.rigged_path import SEED
from tests.write_path import OpenPath, Parts, WritePath, as_bytes

_PAGE: Final = Path(__file__).parents[2] / "docs" / "architecture.md"
_SCRIPT: Final = re.compile(r"(\w+)\.lua")
_EDGE: Final = re.compile(r"^ +(\S+) --> (\S+): (.+)$", re.MULTILINE)
THROUGH: Final = {"policy": "write_through"}

#: From, to, and the script that makes the move. `[*]` is before the entry's life.
Move = tuple[str, str, str]
#: A product's id and a version of it.
Entry = tuple[str, int]


def drawn() -> Iterator[Move]:
    """The moves in the diagram."""
    diagram = _PAGE.read_text().partition("```mermaid")[2].partition("```")[0]
    for source, target, scripts in _EDGE.findall(diagram):
        for script in _SCRIPT.findall(scripts):
            yield source, target, script


def listed() -> Iterator[Move]:
    """The moves in the table. A row stands for each of its states and scripts with each other."""
    table = _PAGE.read_text().partition("| from | to |")[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        sources, targets, scripts = line.strip("| ").split(" | ")[:3]
        yield from product(_states(sources), _states(targets), _SCRIPT.findall(scripts))


def _states(names: str) -> list[str]:
    return ["[*]" if name == "new" else name.replace(" ", "_") for name in names.split(", ")]


class Observer(RiggedScripts):
    """Notes how each script moves entries."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(redis_url)
        self.moves: set[Move] = set()
        self._in_hand: dict[Entry, float] = {}
        #: The newest version of a product in PostgreSQL.
        self.persisted: Callable[[str], int] = lambda _: 0

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        before = self.states()
        answer = super().run(script, keys, args)
        after = self.states()
        for entry in before.keys() | after.keys():
            source, target = before.get(entry, "[*]"), after.get(entry) or self._end(entry)
            if source != target:
                self.moves.add((source, target, script))
        return answer

    def states(self) -> dict[Entry, str]:
        """Where each entry is."""
        client: Any = self.client
        inflight = dict(client.zrange(keys.INFLIGHT, 0, -1, withscores=True))
        places = {
            **dict.fromkeys(client.lrange(keys.QUEUE, 0, -1), "queued"),
            **dict.fromkeys(client.zrange(keys.RETRY, 0, -1), "retry"),
        }
        states: dict[Entry, str] = {}
        for name, chain in self._waiting().items():
            claimed_at = inflight.get(name.encode())
            oldest, *others = chain
            if claimed_at is None:
                states[name, _version(oldest)] = places.get(name.encode(), "misplaced")
            elif oldest["queued_at"] <= claimed_at:
                states[name, _version(oldest)] = "in_flight"
                self._in_hand[name, _version(oldest)] = claimed_at
            else:
                # The claimed entry was replaced: only the worker still holds it.
                others = chain
            states |= {(name, _version(entry)): "backlog" for entry in others[:-1]}
            states |= {(name, _version(entry)): "behind" for entry in others[-1:]}
        for entry, claimed_at in self._in_hand.items():
            if inflight.get(entry[0].encode()) == claimed_at:
                states[entry] = "in_flight"
        for letter in map(json.loads, client.lrange(keys.DLQ, 0, -1)):
            states[letter["id"], letter["version"]] = "dead_letter"
        return states

    def _waiting(self) -> dict[str, list[dict[str, Any]]]:
        """The entries of each product, oldest first."""
        client: Any = self.client
        chains: dict[str, list[dict[str, Any]]] = {}
        for member in client.zrange(keys.BACKLOG, 0, -1):
            name, _, document = member.split(b":", 2)
            chains.setdefault(name.decode(), []).append(json.loads(document))
        for name, document in client.hgetall(keys.PENDING).items():
            chains.setdefault(name.decode(), []).append(json.loads(document))
        return chains

    def _end(self, entry: Entry) -> str:
        return "persisted" if self.persisted(entry[0]) == entry[1] else "coalesced"


def _version(entry: dict[str, Any]) -> int:
    return int(entry["version"])


class Life:
    """Moves the entries of one product, step by step, beginning with a queued one in an empty Redis."""

    def __init__(self, path: WritePath, keeping: WritePath) -> None:
        self.path = path
        #: The same service with coalescing switched off.
        self.keeping = keeping
        self.product = SEED
        path.redis.flushall()
        self.update()

    def update(self, **options: Any) -> None:
        self.path.update(self.product, **options)

    def keep(self) -> None:
        """Write without coalescing."""
        self.keeping.update(self.product)

    def claim(self) -> Claim:
        claim = self.path.buffer.claim(self.path.settings)
        assert self.product in [row.id for row in claim.rows]
        return claim

    def look(self, lease_ms: int = 600_000) -> None:
        """Claim nothing: only put back what should be."""
        patient = msgspec.structs.replace(self.path.settings, coalescing_window_ms=600_000, lease_ms=lease_ms)
        assert not self.path.buffer.claim(patient).rows

    def end_lease(self, claim: Claim) -> None:
        # A lease that ends before it begins, so the test need not wait.
        self.look(lease_ms=-1)

    def ack(self, claim: Claim) -> None:
        rows = self.path.store.write([row.entry for row in claim.rows])
        self.path.buffer.ack(claim, claim.rows, rows_written=rows)

    def ack_row(self, claim: Claim) -> None:
        """Acknowledge as a worker does whose claim was split: row by row."""
        rows = self.path.store.write([row.entry for row in claim.rows])
        both = replace(claim, rows=claim.rows * 2)
        self.path.buffer.ack(both, claim.rows, rows_written=rows)

    def release(self, claim: Claim) -> None:
        self.path.buffer.release(claim, claim.rows)

    def retry(self, claim: Claim) -> None:
        self.path.buffer.retry(claim, [(row, 1, 0.0) for row in claim.rows])

    def give_up(self, claim: Claim) -> None:
        letters = [DeadLetter.of(row.id, row.version, row.entry, error="", attempts=1) for row in claim.rows]
        self.path.buffer.dead_letter(claim, letters)

    def requeue(self, letter: bytes | None = None) -> None:
        if letter is not None:
            self.path.redis.rpush(keys.DLQ, letter)
        self.path.dead_letters.requeue()

    def letters(self, count: int) -> list[bytes]:
        """As many dead letters of the product, oldest first, taken out of the queue."""
        for number in range(count):
            if number:
                self.update()
            self.give_up(self.claim())
        return [as_bytes(self.path.redis.lpop(keys.DLQ)) for _ in range(count)]

    def write_through(self) -> None:
        self.update(**THROUGH)

    def write_through_unsettled(self) -> None:
        """Its writer can't reach Redis after the commit; the next read settles it."""
        assert isinstance(self.path.scripts, Observer)
        self.path.scripts.faults["settle"] = [CacheUnavailable("away")] * 9
        self.update(**THROUGH)
        self.path.scripts.faults.clear()
        self.path.read(self.product)


#: How a claim ends.
ENDS: Final = (Life.ack, Life.ack_row, Life.release, Life.retry, Life.give_up, Life.end_lease)
NEWER: Final = (Life.update, Life.write_through, Life.write_through_unsettled)


def alone(life: Life) -> None:
    """Claimed, and ended in each way."""
    for end in ENDS:
        once = Life(life.path, life.keeping)
        end(once, once.claim())
        once.look()


def replaced_in_flight(life: Life) -> None:
    for end in ENDS:
        once = Life(life.path, life.keeping)
        claim = once.claim()
        once.update()
        end(once, claim)


def replaced_while_it_waits(life: Life) -> None:
    """Queued, waiting for a retry, or behind a claim."""
    for newer in NEWER:
        newer(Life(life.path, life.keeping))
        behind = Life(life.path, life.keeping)
        behind.claim()
        behind.update()
        newer(behind)
        retried = Life(life.path, life.keeping)
        retried.retry(retried.claim())
        newer(retried)


def kept(life: Life) -> None:
    """Without coalescing, every version is written, oldest first."""
    for end in ENDS:
        once = Life(life.path, life.keeping)
        once.keep()
        once.keep()
        end(once, once.claim())


def kept_behind_a_replaced_claim(life: Life) -> None:
    """Coalescing is switched off while a replaced version is in flight."""
    for end in ENDS:
        once = Life(life.path, life.keeping)
        claim = once.claim()
        once.update()
        once.keep()
        end(once, claim)


def put_back(life: Life) -> None:
    for letter in life.letters(1):
        life.requeue(letter)


def put_back_too_late(life: Life) -> None:
    (letter,) = life.letters(1)
    life.update()
    life.requeue(letter)


def put_back_over_an_older_one(life: Life) -> None:
    """The older one is queued, waits for a retry, is in flight, or is behind a claim."""
    first, second = life.letters(2)
    life.requeue(first)
    life.requeue(second)
    retried = Life(life.path, life.keeping)
    first, second = retried.letters(2)
    retried.requeue(first)
    retried.retry(retried.claim())
    retried.requeue(second)
    flying = Life(life.path, life.keeping)
    first, second, third = flying.letters(3)
    flying.requeue(first)
    flying.claim()
    flying.requeue(second)
    flying.requeue(third)


def misplaced(life: Life) -> None:
    life.path.redis.delete(keys.QUEUE)
    assert life.path.buffer.restore() == 1


STORIES: Final = (
    alone,
    replaced_in_flight,
    replaced_while_it_waits,
    kept,
    kept_behind_a_replaced_claim,
    put_back,
    put_back_too_late,
    put_back_over_an_older_one,
    misplaced,
)


def _persisted(path: WritePath, product_id: str) -> int:
    row = path.row(product_id)
    return int(row["version"]) if row else 0


def test_every_move_of_an_entry_is_drawn(open_path: OpenPath) -> None:
    moves: set[Move] = set()
    for story in STORIES:
        path = open_path(Parts(scripts=Observer))
        keeping = open_path(Parts(scripts=Observer), write_coalescing_enabled=False)
        for each in (path.scripts, keeping.scripts):
            assert isinstance(each, Observer)
            each.moves = moves
            each.persisted = partial(_persisted, path)
        story(Life(path, keeping))
    assert moves == set(drawn())
    assert moves == set(listed())
