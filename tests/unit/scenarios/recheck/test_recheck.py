"""An earlier run is judged anew: the same verdict from a whole journal, and never a kind one from another."""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scenarios.events import Checked, Event, VerdictReached
from scenarios.figures.run_figures import run_figures
from scenarios.journal.lines import AnyLine
from scenarios.journal.reader import Journal, open_journal
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History, MemoryLoss, Sighting, Sightings
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import judge
from scenarios.recheck.recheck import Recheck, recheck_journal, recheck_with_figures
from stack.errors import StateUnusable
from tests.journals import ENVIRONMENT, rewritten, with_verdict, write_journal
from tests.unit.scenarios.histories import acknowledged, refused, row, unknown, value

#: Some persisted, one superseded, some lost at a crash, one a dead letter, one without an answer.
WRITES = [
    acknowledged("a", 11, value("a1"), at=(0.1, 0.2)),
    acknowledged("a", 12, value("a2"), at=(0.3, 0.4)),
    acknowledged("b", 13, value("b"), at=(0.3, 0.4)),
    acknowledged("l1", 14, value("l1"), at=(1.0, 1.1)),
    acknowledged("l2", 15, value("l2"), at=(1.1, 1.2)),
    acknowledged("d", 31, value("d"), at=(4.0, 4.1)),
    refused("r"),
    unknown("u", value("u"), at=(4.0, 5.0)),
]
HISTORY = History(
    writes=WRITES,
    sightings=Sightings(
        polls=[0.5, 0.9, 2.5, 5.0],
        seen={
            "a": [Sighting(version=12, at=0.95, poll=1, asked=0)],
            "b": [Sighting(version=13, at=0.95, poll=1, asked=0)],
        },
        waiting={"l1": 2, "l2": 2, "d": 3},
    ),
    losses=(MemoryLoss(last_seen_at=1.9, gone_at=2.0, changed_at=2.0, old_epoch=1, new_epoch=30),),
)
FOUND = Findings(
    rows={"a": row(12, value("a2")), "b": row(13, value("b"))},
    dead_letters={"d": [row(31, value("d"))]},
    cached={"b": row(13, value("b"))},
    since=10,
)
VERDICT = judge(HISTORY, FOUND)
LOST = {("l1", 14), ("l2", 15)}


class Counting(Journal):
    """A journal that counts how often it is read."""

    passes = 0

    def lines(self) -> Iterator[AnyLine]:
        self.passes += 1
        return super().lines()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return write_journal(tmp_path, HISTORY, FOUND, events=with_verdict(VERDICT))


@pytest.fixture
def lines(journal: Path) -> list[bytes]:
    return gzip.decompress(journal.read_bytes()).splitlines()


def recheck(path: Path, content: bytes) -> Recheck:
    path.write_bytes(content)
    return recheck_journal(open_journal(path))


def kindly_judged(rechecked: Recheck) -> set[tuple[str, int]]:
    """Lost writes that are called persisted, or worse, said to be the same as before."""
    return {
        (one.product, one.version)
        for one in rechecked.verdict.judged
        if one.fate in ("persisted", "superseded") and (one.product, one.version) in LOST
    }


def test_the_figures_of_a_run_come_with_its_recheck_and_the_journal_is_read_no_more_often(
    tmp_path: Path,
) -> None:
    gate = Checked("lost == 0 writes", "== 0 writes", "2 writes", passed=False)
    about = msgspec.structs.replace(ENVIRONMENT, options={"expect": ["lost==0"]})
    events: list[Event] = [gate, VerdictReached(VERDICT)]
    path = write_journal(tmp_path, HISTORY, FOUND, events=events, environment=about)
    alone, beside = Counting(path), Counting(path)
    figures = run_figures(alone)
    rechecked, same_figures = recheck_with_figures(beside)
    assert rechecked == recheck_journal(open_journal(path))
    assert rechecked.result == "same"
    assert same_figures.figures == figures.figures
    assert beside.passes == alone.passes


def test_the_story_has_every_fate() -> None:
    fates = {fate: count for fate, count in VERDICT.fates.items() if count}
    assert fates == {"persisted": 2, "superseded": 1, "lost": 2, "dead_lettered": 1}


def test_a_whole_journal_is_judged_as_before(journal: Path) -> None:
    rechecked = recheck_journal(open_journal(journal))
    assert (rechecked.result, rechecked.contradictions, rechecked.differences) == ("same", (), ())
    assert rechecked.verdict == VERDICT
    assert rechecked.state == "complete"


def test_cut_at_every_line_it_is_undecided_or_the_same(lines: list[bytes], tmp_path: Path) -> None:
    for end in range(1, len(lines)):
        rechecked = recheck(tmp_path / "cut.jsonl", b"\n".join(lines[:end]) + b"\n")
        assert not kindly_judged(rechecked)
        if rechecked.given is None:
            assert rechecked.result == "undecided"
            assert rechecked.verdict.validity in ("unknown", "valid")
        else:
            assert rechecked.result == "same"
        assert rechecked.state == "cut off"


def test_cut_at_any_byte_it_reads_to_the_last_whole_line(lines: list[bytes], tmp_path: Path) -> None:
    whole = b"\n".join(lines) + b"\n"
    for end in range(len(lines[0]) + 1, len(whole), 97):
        rechecked = recheck(tmp_path / "cut.jsonl", whole[:end])
        assert rechecked.contradictions == ()
        assert not kindly_judged(rechecked)


def test_cut_within_the_compressed_file_it_says_so(journal: Path, tmp_path: Path) -> None:
    packed, reached = journal.read_bytes(), 0
    for end in range(2, len(packed) - 1, 61):
        with suppress(StateUnusable):
            rechecked = recheck(tmp_path / "cut.jsonl.gz", packed[:end])
            reached += 1
            assert not kindly_judged(rechecked)
            assert rechecked.result == "different"
            assert "damaged" in rechecked.contradictions[0]
    assert reached > 5


@pytest.mark.parametrize("seed", range(3))
def test_any_flipped_byte_is_noticed(lines: list[bytes], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = b"\n".join(lines) + b"\n"
    for _ in range(60):
        place = chance.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        try:
            rechecked = recheck(tmp_path / "flipped.jsonl", bytes(flipped))
        except StateUnusable:
            continue
        assert rechecked.result != "same"
        assert not kindly_judged(rechecked)


_OTHERS: tuple[Any, ...] = (None, 0, -1, 1e18, "", "x", [], {}, True)


def _mutations(lines: list[bytes]) -> Iterator[Callable[[int, dict[str, Any]], dict[str, Any] | None]]:
    """Every line dropped, doubled or changed in one value."""
    for place, line in enumerate(lines[1:], 1):
        content = json.loads(line)
        yield lambda n, each, p=place: None if n == p else each  # type: ignore[misc]
        for name in content:
            if name in ("type", "v", "n", "sum", "at"):
                continue
            for other in _OTHERS:
                yield lambda n, each, p=place, k=name, o=other: {**each, k: o} if n == p else each  # type: ignore[misc]


def test_who_chains_the_lines_anew_is_noticed_too_or_changes_nothing(
    lines: list[bytes], tmp_path: Path
) -> None:
    """Whoever knows the chain can forge a history. One that fits together is judged as it stands; but the
    verdict that was given then differs, unless the change does not matter."""
    for change in _mutations(lines):
        rechecked = recheck(tmp_path / "forged.jsonl", rewritten(lines, change))
        if rechecked.result == "same":
            assert not kindly_judged(rechecked)
            assert rechecked.verdict.fates == VERDICT.fates


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda n, line: None if line.get("product") == "l1" and line["type"] == "write" else line, "writes"),
        (lambda n, line: {**line, "version": 99} if line.get("product") == "a" else line, "fate"),
        (lambda n, line: {**line, "finished": 0.0} if line.get("product") == "b" else line, "before it was"),
        (lambda n, line: {**line, "number": 7} if line["type"] == "poll" else line, "poll 7 follows"),
    ],
)
def test_what_contradicts_itself_is_named(
    lines: list[bytes], tmp_path: Path, change: Callable[[int, dict[str, Any]], Any], says: str
) -> None:
    rechecked = recheck(tmp_path / "forged.jsonl", rewritten(lines, change))
    assert rechecked.result == "different"
    told = " ".join((*rechecked.contradictions, *rechecked.differences))
    assert says in told or says == "fate"


def test_a_dropped_line_is_named_by_its_number(lines: list[bytes], tmp_path: Path) -> None:
    del lines[5]
    rechecked = recheck(tmp_path / "dropped.jsonl", b"\n".join(lines) + b"\n")
    assert "line 6" in rechecked.contradictions[0]
    assert "can't be trusted" in rechecked.conclusion


def test_a_write_that_is_called_otherwise_is_named(tmp_path: Path) -> None:
    other: list[Write] = [*WRITES[:4], acknowledged("l2", 15, value("l2"), at=(2.5, 2.6)), *WRITES[5:]]
    history = History(writes=other, sightings=HISTORY.sightings, losses=HISTORY.losses)
    found = Findings(**{**_fields(FOUND), "rows": {**FOUND.rows, "l2": row(15, value("l2"))}})
    path = write_journal(tmp_path, history, found, events=with_verdict(VERDICT))
    rechecked = recheck_journal(open_journal(path))
    assert "version 15 of l2 was lost and is persisted" in rechecked.differences
    assert rechecked.result == "different"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"{}\n", b"\x1f\x8b", b"\x00" * 100, b"[" * 10_000 + b"\n", b"null\n"]
)
def test_what_is_no_journal_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(StateUnusable, match="is not a run's journal"):
        recheck(tmp_path / "no.jsonl", content)


def _fields(findings: Findings) -> dict[str, Any]:
    return {name: getattr(findings, name) for name in findings.__slots__}
