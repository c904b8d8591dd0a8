"""A run of any length is written, read and judged in bounded memory."""

import json
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from scenarios.journal.judgement import judge_partition
from scenarios.journal.lines import FinalReadLine, WriteLine
from scenarios.journal.partition import Partition
from scenarios.journal.reader import open_journal
from scenarios.journal.writer import JournalWriter
from scenarios.judge.final_read import StoredValue
from scenarios.judge.history import Poll
from scenarios.judge.ledger import Ledger, Write
from tests.journals import ENVIRONMENT, RUN

#: Writes a second, as a full load has them.
RATE = 1_400
POLLED_EVERY = 500
KEYS = 10_000
#: How many writes the short and the long run have.
SHORT, LONG = 100_000, 400_000
#: What the whole of labctl may grow by, bytes.
LIMIT = 300 * 2**20


@pytest.mark.slow
def test_a_run_four_times_as_long_takes_no_more_memory(tmp_path: Path) -> None:
    short, long = (_measured(tmp_path / str(count), count) for count in (SHORT, LONG))
    assert long["fates"] == {"persisted": long["products"], "superseded": LONG - long["products"]}
    assert long["grown"] < LIMIT
    # One part of the history is in memory at a time, however many there are.
    assert long["grown"] < 1.5 * short["grown"]


def _measured(folder: Path, count: int) -> dict[str, Any]:
    """What a process of its own measures."""
    words = [sys.executable, "-m", "tests.integration.test_long_runs", str(folder), str(count)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _writes(count: int) -> Iterator[Write]:
    """Creates, and updates of `KEYS` products, as a load makes them."""
    chance, keys = random.Random(1), list[str]()
    for number in range(count):
        if chance.random() < 0.43 or not keys:
            product = str(uuid.UUID(int=chance.getrandbits(128)))
            if len(keys) < KEYS:
                keys.append(product)
            else:
                keys[chance.randrange(KEYS)] = product
        else:
            product = chance.choice(keys)
        at = number / RATE
        yield Write(
            product=product,
            operation="update",
            value={"name": f"Mix-{number}", "price": number % 10_000 / 100, "quantity": number % 1000},
            answer="acknowledged",
            version=10**15 + number,
            sent_at=at,
            finished_at=at + 0.002,
        )


class _Memory:
    """What this process takes."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._before = self._most = self._process.memory_info().rss
        self._glances = 0

    @property
    def grown(self) -> int:
        """By how many bytes it grew, at most."""
        return self._most - self._before

    def look(self) -> None:
        self._most = max(self._most, self._process.memory_info().rss)

    def glance(self) -> None:
        """Look, but not each time."""
        self._glances += 1
        if self._glances % POLLED_EVERY == 0:
            self.look()


def _run(folder: Path, count: int) -> dict[str, Any]:
    taken = [0]
    ledger = Ledger()
    writer = JournalWriter(ledger, 0.0, others=lambda: taken[0])
    writer.start(folder / f"{RUN}.jsonl", ENVIRONMENT)
    # Not `ru_maxrss`: a child inherits that of its parent.
    memory = _Memory()
    fresh: dict[str, int] = {}
    for number, write in enumerate(_writes(count), 1):
        ledger.record(write)
        fresh[write.product or ""] = write.version or 0
        taken[0] = number
        if number % POLLED_EVERY == 0:
            poll = number // POLLED_EVERY - 1
            rows = [(product, version, poll) for product, version in fresh.items()]
            writer.note_poll(Poll(number=poll, sent_at=write.sent_at, answered_at=write.sent_at, rows=rows))
            writer.flush()
            fresh.clear()
            memory.look()
    writer.flush()
    products = 0
    with Partition(open_journal(writer.path)) as partition:
        for part in range(partition.count):
            newest = {line.product: line for line in partition.lines(part) if isinstance(line, WriteLine)}
            products += len(newest)
            for product, line in newest.items():
                row = StoredValue(version=line.version or 0, value=line.value)
                partition.add(writer.encoder.stored(0.0, "rows", product or "", row))
        partition.add(FinalReadLine(since=1))
        memory.look()
        verdict = judge_partition(partition, lambda write, judged, lag: memory.glance())
    writer.close()
    fates = {fate: number for fate, number in verdict.fates.items() if number}
    return {"fates": fates, "products": products, "grown": memory.grown}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(Path(sys.argv[1]), int(sys.argv[2]))))
