"""Whether a row or PostgreSQL is at fault, on a fake PostgreSQL that refuses by rule."""

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.writebehind.errors import RowsRefused, StoreUnavailable
from service.writebehind.scripts.flushing import Claimed
from service.writebehind.settings import Settings
from service.writebehind.store import Store, StoredProduct
from worker.condition import Condition
from worker.disposal import Disposal
from worker.sorting import Refused, Sorting, SystemRefuses
from worker.stopping import StopRequest

Rule = Callable[[bytes], str]


def row(name: str) -> Claimed:
    return Claimed(name, 1, f'{{"id":"{name}","version":1}}'.encode())


class FakeStore(Store):
    """Refuses a batch if the rule gives an SQLSTATE for one of its rows."""

    def __init__(self, rule: Rule, trial: Rule | None = None) -> None:
        self.rule = rule
        #: What trials of good rows meet; the rule itself by default.
        self.trial = trial or rule
        self.statements = 0

    def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
        self.statements += 1
        for entry in entries:
            if sqlstate := self.rule(entry):
                raise RowsRefused("refused", sqlstate)
        return len(entries)

    def rehearse(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> None:
        for entry in entries:
            if sqlstate := self.trial(entry):
                raise RowsRefused("refused", sqlstate)

    def newest(self, limit: int) -> list[StoredProduct]:
        now = datetime.now(UTC)
        return [StoredProduct("held", "Held", Decimal(1), 1, now, now, 1)]

    def get(self, product_id: str) -> StoredProduct | None:
        return None


def sort(
    store: Store, rows: Sequence[Claimed], stop: StopRequest | None = None
) -> tuple[set[str], list[Refused]]:
    passed: list[Claimed] = []
    with closing(StopRequest()) as never_requested:
        sorting = Sorting(
            store,
            Condition(),
            stop or never_requested,
            chance=random.Random(1),
            passed=lambda part, _: passed.extend(part),
        )
        refused = sorting.write(rows)
    assert len({row.id for row in passed}) == len(passed)
    return {row.id for row in passed}, refused


def refusing(bad: set[str], sqlstate: str = "P0001") -> Rule:
    return lambda entry: sqlstate if entry.decode().split('"')[3] in bad else ""


def never(entry: bytes) -> str:
    return ""


def always(sqlstate: str) -> Rule:
    return lambda entry: sqlstate


@given(st.integers(1, 60), st.randoms(use_true_random=False))
def test_the_bad_rows_are_found_and_all_others_pass(size: int, chance: random.Random) -> None:
    rows = [row(f"r{n}") for n in range(size)]
    bad = {r.id for r in rows if chance.random() < 0.2}
    passed, refused = sort(FakeStore(refusing(bad), never), rows)
    assert (passed, {r.row.id for r in refused}) == ({r.id for r in rows} - bad, bad)
    assert all(r.certain for r in refused)


def test_rows_of_the_batch_that_pass_overrule_misleading_trials() -> None:
    bad = {f"r{n}" for n in range(20)}
    rows = [row(f"r{n}") for n in range(40)]
    passed, refused = sort(FakeStore(refusing(bad), always("P0001")), rows)
    assert (passed, {r.row.id for r in refused}) == ({r.id for r in rows} - bad, bad)
    assert not any(r.certain for r in refused), "so they are tried again before they are given up"


@pytest.mark.parametrize("size", [1, 2, 8, 500])
def test_what_good_rows_meet_as_well_is_the_systems(size: int) -> None:
    store = FakeStore(always("P0001"))
    with pytest.raises(SystemRefuses) as refusal:
        sort(store, [row(f"r{n}") for n in range(size)])
    assert refusal.value.sqlstate == "P0001"
    assert store.statements <= 14, "it is found out with few statements"


def test_a_lone_row_that_cannot_be_told_apart_is_not_certainly_at_fault() -> None:
    _, (refused,) = sort(FakeStore(always("P0001"), always("23505")), [row("alone")])
    assert not refused.certain


@pytest.mark.parametrize("size", [2, 7, 8, 100])
def test_rows_refused_alike_that_no_trial_explains_are_the_systems(size: int) -> None:
    with pytest.raises(SystemRefuses):
        sort(FakeStore(always("P0001"), always("23505")), [row(f"r{n}") for n in range(size)])


@pytest.mark.parametrize("sqlstate", ["53100", "25006", "58030", "XX000"])
def test_a_shortage_that_every_row_meets_is_the_systems_whatever_trials_say(sqlstate: str) -> None:
    with pytest.raises(SystemRefuses):
        sort(FakeStore(always(sqlstate), never), [row(f"r{n}") for n in range(20)])


def test_a_request_to_stop_ends_the_splitting(stop: StopRequest) -> None:
    stop.request()
    with pytest.raises(StoreUnavailable):
        sort(FakeStore(refusing({"r1"}), never), [row("r0"), row("r1")], stop)


def test_an_outage_in_the_middle_is_an_outage() -> None:
    class Dying(FakeStore):
        def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
            if self.statements == 3:
                raise StoreUnavailable("gone")
            return super().write(entries)

    with pytest.raises(StoreUnavailable):
        sort(Dying(refusing({"r9"}), never), [row(f"r{n}") for n in range(10)])


def test_nothing_to_write_sends_no_statement() -> None:
    store = FakeStore(never)
    assert sort(store, []) == (set(), [])
    assert store.statements == 0


# What becomes of them


def dispose(sqlstate: str, *, certain: bool, attempts: int = 0, max_retries: int = 3) -> Disposal:
    disposal = Disposal(Settings(max_retries=max_retries, retry_delay_ms=100), random.Random(1))
    entry = f'{{"id":"x","version":1,"queued_at":1,"attempts":{attempts}}}'.encode()
    disposal.refused([Refused(Claimed("x", 1, entry), RowsRefused("no", sqlstate), certain)])
    return disposal


@pytest.mark.parametrize("sqlstate", ["23514", "P0001", "42501", "42P01", "22003"])
def test_a_row_at_fault_is_given_up_with_the_reason(sqlstate: str) -> None:
    disposal = dispose(sqlstate, certain=True)
    (letter,) = disposal.letters
    assert letter.error == f"PostgreSQL refuses the row: no (SQLSTATE {sqlstate})"
    assert (letter.attempts, disposal.again) == (1, [])


@pytest.mark.parametrize(
    ("sqlstate", "certain"), [("40001", True), ("57014", True), ("55P03", True), ("P0001", False)]
)
def test_what_may_pass_is_tried_again_until_no_retries_are_left(sqlstate: str, certain: bool) -> None:
    ((_, attempts, wait),) = dispose(sqlstate, certain=certain, attempts=1).again
    assert (attempts, 0.1 <= wait <= 0.3) == (2, True)
    (letter,) = dispose(sqlstate, certain=certain, attempts=3).letters
    assert letter.attempts == 4
    assert "no retries left" in letter.error


@pytest.mark.parametrize("certain", [True, False])
def test_a_row_that_meets_a_shortage_is_kept_and_not_counted(certain: bool) -> None:
    disposal = dispose("53100", certain=certain, attempts=3, max_retries=0)
    assert [attempts for _, attempts, _ in disposal.again] == [3]
    assert disposal.letters == []
