"""A journal is judged as its history is, whole or in parts."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given

from scenarios.journal.judgement import judge_journal, judge_partition
from scenarios.journal.partition import Partition
from scenarios.judge.final_read import PARTS, Findings
from scenarios.judge.history import History, Sighting, Sightings
from scenarios.judge.verdict import Verdict, judge
from tests.journals import journal_of
from tests.unit.scenarios.histories import WIDGET, acknowledged, refused, row, unknown
from tests.unit.scenarios.simulation import Step, played, steps
from tests.unit.scenarios.worlds import World, worlds


def without_order(verdict: Verdict) -> tuple[Any, ...]:
    return Counter(verdict.judged), {**verdict.to_json(), "judged": ()}


def assert_same(history: History, findings: Findings, *, part_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = journal_of(Path(folder), history, findings)
        with Partition(journal, part_bytes=part_bytes) as partition:
            verdict = judge_partition(partition)
    assert without_order(verdict) == without_order(judge(history, findings))


@given(steps)
def test_a_journal_is_judged_as_its_history_is(script: list[Step]) -> None:
    run = played(script, watched=True)
    assert_same(run.history, run.findings, part_bytes=10**6)


@given(steps)
def test_a_journal_in_parts_is_judged_as_a_whole_one(script: list[Step]) -> None:
    run = played(script, watched=False)
    assert_same(run.history, run.findings, part_bytes=300)


@given(worlds())
def test_so_is_one_with_dead_letters_cache_entries_and_unanswered_writes(world: World) -> None:
    for part_bytes in (200, 10**6):
        assert_same(History(writes=world.writes), world.findings, part_bytes=part_bytes)


def test_a_new_product_without_an_answer_explains_one_row_in_all_parts_together() -> None:
    writes = [unknown(None, operation="create"), *(acknowledged(f"p{n}", 1) for n in range(9))]
    rows = {f"p{n}": row(1) for n in range(9)}
    found = Findings(rows=rows, unattributed={"x": row(7), "y": row(8), "z": row(9, {**WIDGET, "name": "?"})})
    for part_bytes in (100, 10**6):
        assert_same(History(writes=writes), found, part_bytes=part_bytes)
    assert judge(History(writes=writes), found).unexpected == ("x", "z")


def test_a_run_that_was_cut_off_is_unknown_and_loses_and_saves_nothing(tmp_path: Path) -> None:
    writes = [acknowledged("a", 1), refused("b"), unknown("c")]
    verdict = judge_journal(journal_of(tmp_path, History(writes=writes), None, close=False))
    assert (verdict.validity, verdict.fates["undetermined"]) == ("unknown", 1)
    assert set(verdict.checks["final_read"].evidence) == set(PARTS)
    assert "cut off" in verdict.reasons[0]


def test_every_acknowledged_write_is_handed_out_with_its_lag(tmp_path: Path) -> None:
    writes = [acknowledged("a", 1, at=(0.0, 0.5)), refused("b"), acknowledged("c", 2)]
    seen = {"a": [Sighting(version=1, at=1.5, poll=1, asked=0)]}
    history = History(writes=writes, sightings=Sightings(polls=[0.6, 1.4], seen=seen))
    taken = []
    journal = journal_of(tmp_path, history, Findings(rows={"a": row(1)}))
    judge_journal(journal, lambda write, one, lag: taken.append((write.product, one.fate, lag and lag.ms)))
    assert taken == [("a", "persisted", 1000.0), ("c", "lost", None)]


def test_a_long_verdict_lists_the_writes_that_need_a_look(tmp_path: Path) -> None:
    writes = [acknowledged(f"p{n}", 1) for n in range(1_500)]
    found = Findings(rows={f"p{n}": row(1) for n in range(1_497)})
    verdict = judge_journal(journal_of(tmp_path, History(writes=writes), found))
    assert (verdict.acknowledged, verdict.fates["lost"]) == (1_500, 3)
    assert [one.fate for one in verdict.judged] == ["lost"] * 3


def test_redis_may_hold_what_json_lacks(tmp_path: Path) -> None:
    odd: list[Any] = [10**400, float("nan"), float("inf"), True, None, "text", [1], {"a": 1}]
    writes = [acknowledged(f"p{n}", 1) for n in range(len(odd))]
    rows = {f"p{n}": row(1) for n in range(len(odd))}
    cached = {
        f"p{n}": row(1, {"name": thing, "price": thing, "quantity": thing}) for n, thing in enumerate(odd)
    }
    assert_same(History(writes=writes), Findings(rows=rows, cached=cached), part_bytes=10**6)
