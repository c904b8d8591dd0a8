from collections.abc import Iterable, Iterator
from pathlib import Path

from stack.local import logs as local_logs
from stack.spec.runtime import LogLine


def _lines(lines: Iterable[LogLine | None]) -> Iterator[LogLine]:
    return (line for line in lines if line)


def _texts(log: Path, tail: int | None) -> list[str]:
    return [line.text for line in _lines(local_logs.read({"api": log}, tail=tail, follow=False))]


def test_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("one\ntwo\nthree")
    assert _texts(log, None) == ["one", "two", "three"]
    assert _texts(log, 2) == ["two", "three"]
    assert _texts(log, 0) == []


def test_no_log_no_lines(tmp_path: Path) -> None:
    assert _texts(tmp_path / "missing.log", 10) == []


def test_bytes_that_are_no_text_do_not_stop_it(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_bytes(b"\xff\xfe\nok\n")
    assert _texts(log, 1) == ["ok"]


def test_following_shows_whole_lines_of_every_service(tmp_path: Path) -> None:
    api, worker = tmp_path / "api.log", tmp_path / "worker.log"
    api.write_text("old\n")
    lines = _lines(local_logs.read({"api": api, "worker": worker}, tail=1, follow=True))
    assert next(lines) == LogLine("api", "old")
    with api.open("a") as file:
        file.write("new\nhal")
    assert next(lines) == LogLine("api", "new")
    worker.write_text("first\n")
    with api.open("a") as file:
        file.write("f\n")
    assert {next(lines), next(lines)} == {LogLine("api", "half"), LogLine("worker", "first")}


def test_following_survives_a_new_file(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("a long old line\n")
    lines = _lines(local_logs.read({"api": log}, tail=1, follow=True))
    assert next(lines) == LogLine("api", "a long old line")
    new = tmp_path / "new"
    new.write_text("fresh\n")
    with log.open("a") as file:
        file.write("more\n")
    assert next(lines) == LogLine("api", "more")
    new.replace(log)
    assert next(lines) == LogLine("api", "fresh")


def test_a_huge_log_is_set_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("small")
    local_logs.set_aside(log)
    assert log.exists()
    with log.open("r+b") as file:
        file.truncate(17 << 20)
    local_logs.set_aside(log)
    assert [path.name for path in tmp_path.iterdir()] == ["api.log.1"]


def test_following_says_that_nothing_comes(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("old\n")
    lines = local_logs.read({"api": log}, tail=None, follow=True)
    assert [next(lines) for _ in range(3)] == [LogLine("api", "old"), None, None]
