"""The journal while it is written: whole lines, in order, whatever happens to the disk or the process."""

import gzip
import json
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest

from scenarios.events import Measured, Narrated
from scenarios.journal import files, schema
from scenarios.journal.lines import EventLine
from scenarios.journal.reader import Journal, open_journal
from scenarios.journal.writer import JournalWriter
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.judge.ledger import Ledger
from stack.wait import wait_until
from tests.journals import ENVIRONMENT, RUN, with_verdict, write_journal
from tests.unit.scenarios.histories import acknowledged
from tests.unit.scenarios.recheck.test_recheck import FOUND, HISTORY, VERDICT


def started(folder: Path, ledger: Ledger | None = None) -> JournalWriter:
    writer = JournalWriter(ledger or Ledger(), 0.0)
    writer.start(folder / f"{RUN}{files.OPEN}", ENVIRONMENT)
    return writer


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_every_line_fits_the_published_schema(tmp_path: Path) -> None:
    path = write_journal(tmp_path, HISTORY, FOUND, events=with_verdict(VERDICT))
    validator = jsonschema.Draft202012Validator(json.loads(schema.installed()))
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    for line in lines:
        validator.validate(line)
        assert (line["v"], len(line["sum"])) == (1, 12)
    assert [line["n"] for line in lines] == list(range(len(lines)))
    assert not validator.is_valid({"type": "write"})


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert schema.installed() == schema.text()


def test_what_was_noted_is_in_the_file_soon(tmp_path: Path) -> None:
    ledger = Ledger()
    writer = started(tmp_path, ledger)
    try:
        ledger.record(acknowledged("a", 1))
        wait_until(
            lambda: b'"write"' in writer.path.read_bytes(), seconds=10, reason="it is written", hint=""
        )
        assert open_journal(writer.path).state == "cut off", "its environment names no living process"
    finally:
        writer.close()
    assert not writer.path.exists()
    assert [path.name for path in tmp_path.iterdir()] == [f"{RUN}.jsonl.gz"]


def test_writes_are_released_once_all_have_them(tmp_path: Path) -> None:
    ledger, taken = Ledger(), [0]
    writer = JournalWriter(ledger, 0.0, others=lambda: taken[0])
    writer.start(tmp_path / "x.jsonl", ENVIRONMENT)
    for version in range(5):
        ledger.record(acknowledged("a", version))
    writer.flush()
    assert len(ledger.writes) == 5
    taken[0] = 3
    writer.flush()
    assert [write.version for write in ledger.writes] == [3, 4]
    writer.close()


def test_a_full_disk_costs_the_journal_and_not_the_verdict(tmp_path: Path) -> None:
    ledger = Ledger()
    writer = started(tmp_path, ledger)
    size = writer.path.stat().st_size
    with small_disk(size + 500):
        for version in range(100):
            ledger.record(acknowledged("a", version))
        writer.flush()
        assert "can't be written" in writer.problem
        writer.close()
    assert [line.n for line in open_journal(writer.path).lines()] == [0]

    whole = Journal(writer.path, writer.unwritten)
    assert len(list(whole.writes())) == 100
    assert whole.damage == ()


def test_a_folder_that_cannot_be_made_costs_the_journal_and_not_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    ledger = Ledger()
    writer = started(tmp_path / "runs", ledger)
    ledger.record(acknowledged("a", 1))
    writer.close()
    assert "can't be written" in writer.problem
    assert len(writer.unwritten) == 3


def test_bytes_of_other_programs_do_not_stop_it(tmp_path: Path) -> None:
    path = write_journal(tmp_path, History(), None, events=[Narrated("caf\udce9"), Measured("m", "m", 1.0)])
    told = [event for _, event in open_journal(path).events()]
    assert told == [Narrated("caf?"), Measured("m", "m", 1.0)]


def test_an_event_of_a_newer_labctl_is_left_out(tmp_path: Path) -> None:
    lines = [EventLine(name="Unheard", event={"of": 1}), EventLine(name="Narrated", event={"no": "text"})]
    journal = open_journal(write_journal(tmp_path, History(), Findings(), lines=lines))
    assert list(journal.events()) == []
    assert journal.damage == ()


def test_after_sigkill_it_reads_to_its_last_whole_line(tmp_path: Path) -> None:
    script = f"""
        import os, signal
        from pathlib import Path
        from scenarios.judge.ledger import Ledger
        from scenarios.journal.writer import JournalWriter
        from tests.journals import ENVIRONMENT
        from tests.unit.scenarios.histories import acknowledged
        ledger = Ledger()
        writer = JournalWriter(ledger, 0.0)
        writer.start(Path({str(tmp_path / f"{RUN}.jsonl")!r}), ENVIRONMENT)
        for version in range(1000):
            ledger.record(acknowledged("a", version))
        writer.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, timeout=60)
    assert done.returncode < 0
    journal = open_journal(tmp_path / f"{RUN}.jsonl")
    assert len(list(journal.writes())) == 1000
    assert journal.state == "cut off"


def test_a_journal_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / f"{RUN}{files.OPEN}"
    path.write_text("somebody's run")
    with pytest.raises(FileExistsError):
        JournalWriter(Ledger(), 0.0).start(path, ENVIRONMENT)
    assert path.read_text() == "somebody's run"


def test_of_two_that_begin_at_once_each_has_its_own_journal(tmp_path: Path) -> None:
    def begin(_: int) -> JournalWriter:
        writer = JournalWriter(Ledger(), 0.0)
        writer.start_in(tmp_path, "data-loss", lambda run: msgspec.structs.replace(ENVIRONMENT, run=run))
        writer.close()
        return writer

    with ThreadPoolExecutor(8) as pool:
        writers = list(pool.map(begin, range(8)))
    assert [writer.problem for writer in writers] == [""] * 8
    assert len(files.journals(tmp_path)) == 8
    assert {open_journal(path).run for path in files.journals(tmp_path).values()} == set(
        files.journals(tmp_path)
    )


def test_a_line_that_cannot_be_encoded_does_not_pass_unseen(tmp_path: Path) -> None:
    writer = started(tmp_path)
    writer.note(EventLine(name="Measured", event={"value": object()}))
    with pytest.raises(TypeError):
        writer.close()


def test_runs_that_begin_in_the_same_second_have_names_of_their_own(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    first = next(files.new_runs(tmp_path, "data-loss", now))
    for end in (files.OPEN, files.CLOSED):
        (tmp_path / f"{first}{end}").touch()
        second = next(files.new_runs(tmp_path, "data-loss", now))
        assert second != first
        assert files.run_of(tmp_path / f"{second}{end}") == second
        assert files.scenario_of(second) == "data-loss"


def test_runs_of_one_second_stay_in_their_order_whatever_they_are_called(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    begun = []
    for scenario in ["load-quick", "k6-basic", *["basics"] * 9]:
        begun.append(next(files.new_runs(tmp_path, scenario, now)))
        (tmp_path / f"{begun[-1]}{files.OPEN}").touch()
    assert list(files.journals(tmp_path)) == begun
    assert len({files.short_name(run) for run in begun}) == len(begun)


@pytest.mark.parametrize(
    "name", ["notes.jsonl", "20260101T120000Z-x.json", "20260101T120000Z-x.jsonl.gz.partial", "x"]
)
def test_other_files_are_no_journals(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert files.journals(tmp_path) == {}


@pytest.mark.parametrize("value", [1, 1.5, "words", True, False])
def test_every_kind_of_figure_is_read_as_it_was_noted(tmp_path: Path, value: float | str | bool) -> None:
    noted = Measured("m", "m", value)
    ((_, told),) = open_journal(write_journal(tmp_path, History(), None, events=[noted])).events()
    assert told == noted
