"""Entries of one product on a real Redis: what they stand for, and what becomes of them."""

import json
from typing import Final

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from service.writebehind.scripts.flushing import Claim
from tests.write_path import WritePath, as_bytes

TRACES: Final = [f"00-{'ab' * 15}{n:02x}-{'cd' * 8}-01" for n in range(10)]
SEED: Final = "seed-001"


def writes_of(entry: bytes) -> int:
    """How many acknowledged writes are lost if the entry is, as it says."""
    return int(json.loads(entry)["writes"])


def exposed(path: WritePath) -> tuple[int, int]:
    """Writes and products."""
    exposed = path.queue().exposed
    return exposed.writes, exposed.products


def entry(path: WritePath, product_id: str = SEED) -> bytes:
    return as_bytes(path.redis.hget(keys.PENDING, product_id))


def claim(path: WritePath) -> Claim:
    claim = path.buffer.claim(path.settings)
    assert claim.rows
    return claim


def persist(path: WritePath, claim: Claim) -> None:
    path.buffer.ack(claim, claim.rows, rows_written=path.store.write([row.entry for row in claim.rows]))


def give_up(path: WritePath, claim: Claim) -> None:
    letters = [DeadLetter.of(r.id, r.version, r.entry, error="e", attempts=1) for r in claim.rows]
    path.buffer.dead_letter(claim, letters)
