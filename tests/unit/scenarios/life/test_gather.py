"""The facts of a product: never another class than the judge's, and joined with the traces."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings

from scenarios.events import FaultInjected
from scenarios.journal.judgement import judge_journal
from scenarios.judge.checks.fates import Class
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History, MemoryLoss
from scenarios.judge.ledger import Write
from scenarios.life.gather import gather
from scenarios.life.story import tell
from service.traces.life import Life, Now, TracedWrite
from tests.journals import ENVIRONMENT, FINISHED, journal_of
from tests.unit.scenarios.histories import WIDGET, acknowledged, row, unknown
from tests.unit.scenarios.life.traced import traced
from tests.unit.scenarios.worlds import World, worlds

_STARTED_US = 1_767_268_800_000_000


def _products(writes: Sequence[Write]) -> set[str]:
    return {write.product for write in writes if write.product is not None}


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_the_class_is_always_the_judges(world: World) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = journal_of(Path(folder), History(writes=world.writes), world.findings)
        judged: dict[tuple[str, int | None], Class] = {}
        judge_journal(journal, lambda write, one, lag: judged.update({(one.product, one.version): one.fate}))
        told: dict[tuple[str, int | None], Class | None] = {}
        for product in _products(world.writes):
            facts = gather(product, journal, None)
            told |= {(product, one.version): one.fate for one in facts.writes if one.answer == "acknowledged"}
            assert all(each.text for each in tell(facts).writes)
    assert told == judged


def _traced(version: int, trace: str) -> TracedWrite:
    return traced(version, _STARTED_US + 2_001_000, trace_id=trace, sent_at_us=_STARTED_US + 2_000_500)


def _life(*writes: TracedWrite) -> Life:
    return Life(product_id="p", writes=list(writes), now=Now(), unread=[])


def test_writes_are_joined_with_their_traces(tmp_path: Path) -> None:
    mine, others = "a" * 32, "b" * 32
    write = replace(acknowledged("p", 7, at=(2.0, 2.001)), trace=mine)
    journal = journal_of(tmp_path, History(writes=[write]), Findings(rows={"p": row(7)}, since=1))
    facts = gather("p", journal, _life(_traced(7, mine), _traced(9, others)))
    first, second = facts.writes
    assert (first.fate, first.traced and first.traced.trace_id) == ("persisted", mine)
    # The trace knows to the µs when the run began.
    assert first.sent_us == _STARTED_US + 2_000_500
    assert (second.version, second.fate, second.answer) == (9, None, "acknowledged")


def test_without_traces_the_moment_of_the_first_line_counts(tmp_path: Path) -> None:
    about = msgspec.structs.replace(ENVIRONMENT, at=0.5)
    journal = journal_of(
        tmp_path,
        History(writes=[acknowledged("p", 7, at=(2.0, 2.001))]),
        Findings(rows={"p": row(7)}, since=1),
        environment=about,
    )
    (write,) = gather("p", journal, None).writes
    assert write.sent_us == _STARTED_US + 1_500_000


def test_a_loss_is_joined_with_the_fault_that_made_it(tmp_path: Path) -> None:
    loss = MemoryLoss(last_seen_at=3.0, gone_at=3.1, changed_at=3.2, old_epoch=1, new_epoch=9)
    faults = [
        FaultInjected("redis:kill", 1.0, (), bit=True),
        FaultInjected("redis:flushall", 3.15, (), bit=True),
    ]
    journal = journal_of(
        tmp_path,
        History(writes=[acknowledged("p", 7, at=(2.0, 2.001))], losses=[loss]),
        Findings(since=1),
        events=[*faults, FINISHED],
    )
    facts = gather("p", journal, None)
    assert facts.run is not None
    assert [one.fault for one in facts.run.losses] == ["redis:flushall"]
    assert (facts.writes[0].fate, facts.writes[0].crash) == ("lost", 1)


def test_a_write_that_was_found_though_it_was_not_answered(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, History(writes=[unknown("p")]), Findings(rows={"p": row(7)}, since=1))
    (write,) = gather("p", journal, None).writes
    assert (write.answer, write.recovered) == ("unknown", True)


@pytest.mark.parametrize(
    ("status", "version", "answer"),
    [(200, 7, "acknowledged"), (503, None, "refused"), (504, None, "unknown"), (0, None, "unknown")],
)
def test_writes_that_only_their_traces_tell_of(status: int, version: int | None, answer: str) -> None:
    known = msgspec.structs.replace(_traced(7, "a" * 32), status=status, version=version)
    (write,) = gather("p", None, _life(known)).writes
    assert (write.answer, write.version) == (answer, version)


def test_a_run_that_was_cut_off_is_not_judged(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, History(writes=[acknowledged("p", 7, WIDGET)]), None, close=False)
    facts = gather("p", journal, None)
    assert facts.run is not None
    assert not facts.run.judged
    assert facts.writes[0].fate is None
    assert [told.fate for told in tell(facts).writes] == ["undetermined"]
