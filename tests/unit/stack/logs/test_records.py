from collections.abc import Iterable, Iterator, Sequence

from stack.logs.records import HOLD_BACK_S, Keep, LogRecord, in_order
from stack.spec.runtime import LogLine

START = 1769882400.0


def worker(ms: int, text: str, level: str = "INFO") -> LogLine:
    return LogLine("worker", f"2026-01-31T18:00:00.{ms:03d}Z {level} worker: {text}")


def redis(ms: int, text: str) -> LogLine:
    return LogLine("redis", f"7:M 31 Jan 2026 18:00:00.{ms:03d} * {text}")


def messages(
    lines: Iterable[LogLine | None], *, keep: Keep = lambda _: True, tail: int | None = None
) -> list[str]:
    return [record.message for record in in_order(lines, keep=keep, tail=tail)]


def test_services_are_interleaved_by_time() -> None:
    lines = [worker(1, "a"), worker(5, "d"), redis(2, "b"), redis(3, "c")]
    assert messages(lines) == ["a", "b", "c", "d"]


def test_lines_of_the_same_time_keep_their_order() -> None:
    assert messages([worker(1, "a"), worker(1, "b"), redis(1, "c"), redis(1, "d")]) == ["a", "b", "c", "d"]


def test_lines_without_a_time_stay_with_the_one_before() -> None:
    lines = [
        worker(1, "failed", "ERROR"),
        LogLine("worker", "  Traceback (most recent call last):"),
        LogLine("worker", "  RuntimeError"),
        worker(5, "next"),
        redis(3, "between"),
    ]
    records = list(in_order(lines, keep=lambda _: True, tail=None))
    assert [record.message.strip() for record in records] == [
        "failed",
        "Traceback (most recent call last):",
        "RuntimeError",
        "between",
        "next",
    ]
    assert [record.level for record in records[:3]] == ["error"] * 3
    assert records[2].moment == "2026-01-31T18:00:00.001Z"


def test_lines_before_the_first_time_stay_with_the_one_after() -> None:
    lines = [LogLine("worker", "banner"), worker(5, "b"), redis(3, "a")]
    assert messages(lines) == ["a", "banner", "b"]


def test_a_service_that_tells_no_time_is_shown_all_the_same() -> None:
    assert sorted(messages([LogLine("api", "x"), LogLine("api", "y"), redis(3, "a")])) == ["a", "x", "y"]


def test_the_time_of_the_runtime_counts_where_the_line_tells_none() -> None:
    lines = [
        LogLine("api", "starting", START + 0.002),
        LogLine("api", "  more of it", START + 0.0021),
        LogLine("api", "later", START + 0.5),
        worker(1, "a"),
        worker(4, "b"),
    ]
    assert messages(lines) == ["a", "starting", "  more of it", "b", "later"]


def test_a_clock_that_is_set_back_does_not_reorder_a_service() -> None:
    assert messages([worker(500, "a"), worker(100, "b"), redis(600, "c")]) == ["a", "b", "c"]


def test_a_detail_has_the_level_of_its_line() -> None:
    prefix = "2026-01-31 18:00:00.001 UTC [7] "
    lines = [LogLine("postgres", f"{prefix}ERROR:  no"), LogLine("postgres", f"{prefix}STATEMENT:  SELECT")]
    records = list(in_order(lines, keep=lambda _: True, tail=None))
    assert [(record.level, record.continues) for record in records] == [("error", False), ("error", True)]


def test_only_what_is_wanted_counts_for_the_tail() -> None:
    lines = [worker(n, text) for n, text in enumerate(("a1", "b1", "a2", "b2", "a3"))]
    assert messages(lines, keep=lambda record: "a" in record.message, tail=2) == ["a2", "a3"]
    assert messages(lines, tail=0) == []


def test_what_continues_a_line_is_wanted_with_it() -> None:
    lines = [worker(1, "a"), LogLine("worker", "  of a"), worker(2, "b"), LogLine("worker", "  of b")]
    assert messages(lines, keep=lambda record: "a" in record.message) == ["a", "  of a"]


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def follow(
    steps: Sequence[tuple[float, LogLine | None]], tail: int | None = None
) -> Iterator[tuple[str, float]]:
    """What is shown of lines that arrive at these times (s after the start), and when."""
    clock = Clock()

    def lines() -> Iterator[LogLine | None]:
        for at, line in steps:
            clock.now = START + at
            yield line

    for record in in_order(lines(), keep=lambda _: True, tail=tail, clock=clock):
        yield record.message, round(clock.now - START, 3)


def test_followed_lines_are_held_back_for_earlier_ones() -> None:
    steps = [(0.0, worker(1, "old")), (0.0, None), (0.3, worker(250, "b")), (0.4, redis(200, "a"))]
    later = 0.5 + HOLD_BACK_S
    assert list(follow([*steps, (later, None), (later + 0.1, None)])) == [
        ("old", 0.0),
        ("a", later),
        ("b", later),
    ]


def test_no_line_is_held_back_for_long() -> None:
    steps = [(0.0, None), *((n / 10, worker(n, str(n))) for n in range(1, 10))]
    shown = dict(follow(steps))
    assert all(shown[str(n)] - n / 10 <= HOLD_BACK_S + 0.1 for n in range(1, 6))


def test_what_is_held_back_is_shown_when_the_lab_is_gone() -> None:
    assert [text for text, _ in follow([(0.0, None), (0.1, worker(2, "b")), (0.1, redis(1, "a"))])] == [
        "a",
        "b",
    ]


def test_the_past_is_shown_although_the_log_never_rests() -> None:
    busy = [(n / 10, LogLine("worker", f"line {n}", START + n / 10)) for n in range(40)]
    first, at = next(follow([(0.0, worker(0, "old")), *busy]))
    assert (first, at <= 1.2) == ("old", True)


def test_the_tail_is_of_the_past_only() -> None:
    steps = [(0.0, worker(1, "a")), (0.0, worker(2, "b")), (0.0, None)]
    fresh = [(0.1, worker(100 + n, f"new {n}")) for n in range(3)]
    assert [text for text, _ in follow([*steps, *fresh, (1.0, None)], tail=1)] == [
        "b",
        "new 0",
        "new 1",
        "new 2",
    ]


def test_the_moment_of_a_record() -> None:
    (record,) = in_order([LogLine("api", "x")], keep=lambda _: True, tail=None)
    assert isinstance(record, LogRecord)
    assert (record.at, record.moment) == (None, "")
