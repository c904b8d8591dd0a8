"""Totals that never fall, and are never too high, whatever Redis loses and whoever looks when."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.telemetry.totals import Carried, LastingTotals, Look

_NAMES = ("accepted", "persisted")
_numbers = st.integers(0, 5)


@dataclass
class _Started:
    """A look that is under way."""

    began: float
    known: dict[str, int]
    look: Look | None = None


@dataclass
class _Worker:
    name: str
    done: Counter[str] = field(default_factory=Counter)


class Counting(RuleBasedStateMachine):
    """An API, a worker and Redis count; server processes look at the totals, also at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1.0
        self.truth: Counter[str] = Counter()
        self.redis: Counter[str] = Counter()
        self.memory = 1
        self.published: dict[str, dict[str, int]] = {}
        self.known: Counter[str] = Counter()
        self.workers = [_Worker("w0")]
        self.carried = Carried()
        self.looks: list[_Started] = []
        self.told: Counter[str] = Counter()

    def _count(self, name: str, number: int) -> None:
        self.truth[name] += number
        self.redis[name] += number

    @rule(number=_numbers, known=st.booleans())
    def write(self, number: int, known: bool) -> None:
        """The API may be killed, or cut off from Redis, before it counts."""
        self._count("accepted", number)
        self.known["accepted"] += number if known else 0

    @rule(number=_numbers, known=st.booleans())
    def flush(self, number: int, known: bool) -> None:
        self._count("persisted", number)
        self.workers[-1].done["persisted"] += number if known else 0

    @rule()
    def heartbeat(self) -> None:
        self.published[self.workers[-1].name] = dict(self.workers[-1].done)

    @rule(tidy=st.booleans())
    def another_worker(self, tidy: bool) -> None:
        if tidy:
            self.published.pop(self.workers[-1].name, None)
        self.workers.append(_Worker(f"w{len(self.workers)}"))

    @rule()
    def flushall(self) -> None:
        self.redis.clear()
        self.published.clear()
        self.memory += 1

    @rule()
    def the_totals_are_deleted(self) -> None:
        self.redis.clear()

    @rule()
    def the_machine_starts_again(self) -> None:
        self.looks.clear()
        self.now = 1.0

    @precondition(lambda self: len(self.looks) < 3)
    @rule()
    def begin_a_look(self) -> None:
        self.now += 1
        self.looks.append(_Started(self.now, dict(self.known)))

    @precondition(lambda self: self.looks)
    @rule(which=st.integers(0, 2))
    def read_redis(self, which: int) -> None:
        started = self.looks[which % len(self.looks)]
        self.now += 1
        totals = {name: self.redis[name] for name in _NAMES}
        workers = {name: dict(done) for name, done in self.published.items()}
        started.look = started.look or Look(
            began=started.began, ended=self.now, memory=self.memory, totals=totals, workers=workers
        )

    @precondition(lambda self: any(started.look for started in self.looks))
    @rule()
    def finish_a_look(self) -> None:
        started = next(started for started in self.looks if started.look)
        self.looks.remove(started)
        self.now += 1
        assert started.look
        self.carried.add(started.look, started.known, self.now)

    @rule()
    def look_at_once(self) -> None:
        """A look that no other overlaps tells all that Redis still has, and all that the processes know."""
        self.looks.clear()
        before = +Counter(self.carried.told)
        # Twice, in case the clock of a machine that was started again just passes the time of the last look.
        for _ in range(2):
            self.begin_a_look()
            self.read_redis(0)
            self.finish_a_look()
        said = Counter(self.published.get(self.workers[-1].name, {}))
        for name in _NAMES:
            assert self.carried.told[name] >= max(
                before[name], self.redis[name], self.known[name], said[name]
            )

    @invariant()
    def it_never_falls_and_is_never_too_high(self) -> None:
        for name in _NAMES:
            told = self.carried.told.get(name, 0)
            assert self.told[name] <= told <= self.truth[name]
            self.told[name] = told


TestCounting = Counting.TestCase
TestCounting.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def _look(at: float, *, memory: int, **totals: int) -> Look:
    return Look(began=at, ended=at + 0.1, memory=memory, totals=totals, workers={})


def test_what_processes_know_survives_a_loss_that_came_between_two_looks() -> None:
    carried = Carried()
    carried.add(_look(1, memory=1, accepted=5, coalesced=2), {"accepted": 5}, 2)
    # 10 more were accepted, 3 of them coalesced; then Redis lost its memory, and took 1 more.
    carried.add(_look(3, memory=2, accepted=1, coalesced=0), {"accepted": 16}, 4)
    assert carried.told == {"accepted": 16, "coalesced": 2}


def test_what_was_seen_of_each_memory_is_added_also_if_the_next_one_counted_more() -> None:
    carried = Carried()
    for memory, count in enumerate((5, 3, 8, 8, 1)):
        carried.add(_look(1.0 + memory, memory=memory, coalesced=count), {}, 2.0 + memory)
    assert carried.told == {"coalesced": 25}


def test_a_worker_that_lives_long_is_counted_once() -> None:
    carried = Carried()
    for number in range(500):
        at = 10.0 + number
        workers = {"old": {"persisted": number}, f"w{number}": {"persisted": 1}}
        carried.add(Look(began=at, ended=at, memory=number, totals={"persisted": 0}, workers=workers), {}, at)
    assert carried.told["persisted"] == 500 + 499


def test_the_counts_of_many_workers_are_added_and_stay_bounded() -> None:
    carried = Carried()
    for number in range(1_000):
        at = 10.0 + number
        look = Look(
            began=at,
            ended=at,
            memory=number,
            totals={"persisted": 0},
            workers={f"w{number}": {"persisted": 2}},
        )
        carried.add(look, {}, at)
    assert carried.told["persisted"] == 2_000
    assert len(carried.workers) == 200


def test_two_processes_share_what_they_know_and_pass_it_on(tmp_path: Path) -> None:
    one, other = LastingTotals(tmp_path), LastingTotals(tmp_path)
    assert one.add(_look(1, memory=1, accepted=5), {})
    assert other.told() == {"accepted": 5}
    assert other.add(_look(2, memory=2, accepted=1), {})
    assert one.told() == LastingTotals(tmp_path).told() == {"accepted": 6}


def test_a_look_that_another_overlapped_counts_for_nothing(tmp_path: Path) -> None:
    totals = LastingTotals(tmp_path)
    early = _look(1, memory=1, accepted=5)
    assert totals.add(_look(1.05, memory=2, accepted=1), {})
    assert not totals.add(early, {})
    assert totals.told() == {"accepted": 1}


@pytest.mark.parametrize("junk", [b"", b"\xff", b'{"seen":{"\xff":1}}', b'{"a":' + b"[" * 9_000, b"[]"])
def test_what_is_shared_may_be_junk_or_out_of_reach(tmp_path: Path, junk: bytes) -> None:
    totals = LastingTotals(tmp_path)
    totals.add(_look(1, memory=1, accepted=5), {})
    (tmp_path / "totals.json").write_bytes(junk)
    assert totals.told() == {"accepted": 5}
    assert totals.add(_look(2, memory=1, accepted=7), {})
    assert LastingTotals(tmp_path).told() == {"accepted": 7}
    nowhere = LastingTotals(tmp_path / "totals.json" / "below")
    assert nowhere.add(_look(1, memory=1, accepted=5), {})
    assert nowhere.told() == {"accepted": 5}
