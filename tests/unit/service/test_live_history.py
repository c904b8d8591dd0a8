"""What is kept for the page: how much of it, for how long, and what damage does to it."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service.live.errors import HistoryUnavailable, InvalidMark
from service.live.history import FILE, History
from service.live.marks import PAGE_RUN, Mark, parse_mark


class Clock:
    now = 100_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def history(tmp_path: Path, clock: Clock) -> Iterator[History]:
    with closing(History(str(tmp_path / "new"), clock)) as history:
        yield history


def mark(run: str = "r", **changes: Any) -> Mark:
    return Mark(**{"run": run, "kind": "step", "at": 100_000.0, **changes})


def sample_times(history: History) -> list[float]:
    return [json.loads(document)["at"] for document in history.samples()]


def fill(history: History, clock: Clock, seconds: int) -> None:
    """Samples twice a second, up to now."""
    for _ in range(2 * seconds):
        history.record(clock.now, json.dumps({"at": clock.now}).encode())
        clock.now += 0.5


def test_the_last_minute_is_dense_and_the_rest_of_a_quarter_of_an_hour_thin(
    history: History, clock: Clock
) -> None:
    begun = clock.now
    fill(history, clock, 1_000)
    history.record(clock.now, b'{"at": 0}')
    times = [at for at in sample_times(history) if at]
    # They are pruned now and then: allow 10 s.
    assert clock.now - 911 <= times[0] >= begun
    assert sum(at >= clock.now - 59 for at in times) == 118
    old = [at for at in times if at < clock.now - 71]
    assert all(later - earlier >= 1 for earlier, later in pairwise(old))
    assert len(times) < 1_000


def test_two_processes_keep_one_sample_of_a_half_second(
    history: History, clock: Clock, tmp_path: Path
) -> None:
    with closing(History(str(tmp_path / "new"), clock)) as other:
        history.record(100_000.1, b'{"at": 1}')
        other.record(100_000.2, b'{"at": 2}')
        other.record(100_000.6, b'{"at": 3}')
        assert sample_times(history) == sample_times(other) == [1, 3]


def test_marks_and_runs_are_bounded(history: History) -> None:
    for number in range(2_200):
        history.mark(mark(f"r{number}", kind="run", at=100_000.0 + number, detail="x" * 10))
    history.record(1.0, b"{}")
    assert len(history.marks()[1]) == 2_000
    runs = [json.loads(run)["run"] for run in history.runs()]
    assert runs == [f"r{number}" for number in range(2_199, 2_179, -1)]


def test_a_run_wants_samples_from_its_first_mark_until_ten_seconds_after_its_end(
    history: History, clock: Clock
) -> None:
    assert history.wanted_until() == 0
    history.mark(mark(kind="run"))
    # labctl may have been killed: not for ever.
    assert history.wanted_until() == clock.now + 1_800
    history.mark(mark(kind="end", outcome="expected"))
    assert history.wanted_until() == clock.now + 10


def test_an_end_without_a_beginning_is_a_run_as_well(history: History) -> None:
    history.mark(mark(kind="end", outcome="unexpected", label="over", figures={"lost": 1, "rate": None}))
    (run,) = map(json.loads, history.runs())
    assert (run["ended_at"], run["outcome"], run["figures"]) == (
        100_000,
        "unexpected",
        {"lost": 1, "rate": None},
    )


def test_what_the_page_does_is_no_run(history: History) -> None:
    history.mark(mark(PAGE_RUN, kind="fault"))
    assert len(history.marks()[1]) == 1
    assert (history.runs(), history.wanted_until()) == ([], 0)


def test_a_clock_that_steps_back_leaves_no_future(history: History, clock: Clock) -> None:
    fill(history, clock, 10)
    clock.now -= 3_600
    begun = clock.now
    assert sample_times(history) == []
    fill(history, clock, 11)
    assert sample_times(history) == [begun + half / 2 for half in range(22)]
    clock.now += 3_589
    assert [at for at in sample_times(history) if at > begun + 11] == []


def test_marks_have_numbers_that_go_on(history: History) -> None:
    history.mark(mark(label="one"))
    last, _ = history.marks()
    history.mark(mark(label="two"))
    ((number, document),) = history.marks_after(last)
    assert number > last
    assert json.loads(document)["label"] == "two"
    assert history.marks_after(number) == []


@pytest.mark.parametrize("content", [b"junk" * 5_000, b"SQLite format 3\x00" + b"\xff" * 5_000])
def test_a_damaged_file_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with closing(History(str(tmp_path))) as history:
        history.mark(mark())
        assert len(history.runs()) == 1


def test_a_file_that_cannot_be_used_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with closing(History(str(tmp_path / "file" / "below"))) as history:
        with pytest.raises(HistoryUnavailable):
            history.mark(mark())
        (tmp_path / "file").unlink()
        history.mark(mark())
        assert len(history.runs()) == 1


def test_a_lock_that_lasts_is_an_error(tmp_path: Path) -> None:
    with closing(History(str(tmp_path))) as history:
        history.mark(mark())
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(HistoryUnavailable):
                history.mark(mark())
        history.mark(mark())


def test_without_a_directory_it_is_in_memory() -> None:
    with closing(History("")) as history:
        history.mark(mark())
        assert len(history.runs()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b'{"run": "r", "kind": "run", "at": NaN}',
        b'{"run": "r", "kind": "run", "at": 1e300}',
        b'{"run": "r", "kind": "run", "at": 1, "label": 5}',
        b'{"run": "' + b"x" * 101 + b'", "kind": "run", "at": 1}',
        b'{"run": "r", "kind": "end", "at": 1, "outcome": "fine"}',
        b'{"run": "r", "kind": "end", "at": 1, "figures": {"lost": "all"}}',
        b'{"run": "r", "kind": "end", "at": 1, "figures": {"lost": -1}}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_a_mark_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidMark):
        parse_mark(body)


def test_a_mark_is_never_from_a_far_future() -> None:
    assert parse_mark(b'{"run": "r", "kind": "run", "at": 1e11}').at < time.time() + 7_200
