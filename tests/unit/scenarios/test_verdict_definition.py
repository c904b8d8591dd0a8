"""The verdict against its definition and against the truth about crashes; both catch a wrong judge."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from scenarios.judge.case import Answered, Case
from scenarios.judge.checks import crashes, fates, places
from scenarios.judge.final_read import PARTS, Findings, StoredValue
from scenarios.judge.history import MemoryLoss
from scenarios.judge.ledger import Answer, Write
from scenarios.judge.verdict import Verdict
from tests.unit.scenarios.definition import possible_classes
from tests.unit.scenarios.histories import judged, value
from tests.unit.scenarios.simulation import Run, Step, played, steps

versions = st.integers(1, 5)
products = st.sampled_from(["a", "b"])
values = st.sampled_from([value("one"), value("two")])
moments = st.integers(0, 4).map(float)


@st.composite
def writes(draw: st.DrawFn) -> Write:
    answers: tuple[Answer, ...] = ("acknowledged", "acknowledged", "unknown", "refused")
    answer = draw(st.sampled_from(answers))
    sent_at = draw(moments)
    return Write(
        product=draw(products),
        operation="update",
        value=draw(values),
        answer=answer,
        version=draw(versions) if answer == "acknowledged" else None,
        sent_at=sent_at,
        finished_at=sent_at + draw(moments),
    )


helds = st.builds(StoredValue, version=versions, value=values)


@st.composite
def findings(draw: st.DrawFn) -> Findings:
    unread = draw(st.sets(st.sampled_from(PARTS[:3]), max_size=2))
    entries = st.dictionaries(products, st.lists(helds, max_size=2), max_size=2)
    return Findings(
        rows={} if "rows" in unread else draw(st.dictionaries(products, helds)),
        dead_letters={} if "dead_letters" in unread else draw(entries),
        pending={} if "pending" in unread else draw(entries),
        since=draw(st.integers(0, 3)),
        unread=dict.fromkeys(sorted(unread), "away"),
    )


cases = st.tuples(st.lists(writes(), min_size=1, max_size=4), findings())


def as_defined(ledger: Sequence[Write], found: Findings) -> list[str]:
    classes = [possible_classes(ledger, found, write) for write in ledger if write.answer == "acknowledged"]
    return [one.pop() if len(one) == 1 else "undetermined" for one in classes]


def agrees(case: tuple[list[Write], Findings]) -> bool:
    ledger, found = case
    return [one.fate for one in judged(ledger, found).judged] == as_defined(ledger, found)


@settings(max_examples=300)
@given(cases)
def test_every_write_is_of_the_class_that_the_definition_says(case: tuple[list[Write], Findings]) -> None:
    ledger, found = case
    assert [one.fate for one in judged(ledger, found).judged] == as_defined(ledger, found)


def tells_the_truth(run: Run, verdict: Verdict) -> bool:
    """Whether nothing that was in Redis alone at a crash is called safe, and nothing else lost at one."""
    for one in verdict.judged:
        gone = one.version in run.exposed
        if gone and one.fate not in ("lost", "undetermined"):
            return False
        if not gone and one.fate == "lost":
            return False
    return True


def judge_run(run: Run) -> Verdict:
    return judged(
        run.history.writes, run.findings, sightings=run.history.sightings, losses=run.history.losses
    )


@settings(max_examples=300)
@given(steps)
def test_nothing_that_a_crash_took_is_called_safe_and_nothing_else_lost(script: list[Step]) -> None:
    run = played(script, watched=False)
    assert tells_the_truth(run, judge_run(run))


@settings(max_examples=300)
@given(steps)
def test_who_looks_after_every_crash_knows_exactly_what_it_took(script: list[Step]) -> None:
    run = played(script, watched=True)
    verdict = judge_run(run)
    acknowledged = {write.version for write in run.ledger.writes if write.answer == "acknowledged"}
    lost = {one.version for one in verdict.judged if one.fate == "lost"}
    assert lost == run.exposed & acknowledged
    assert verdict.fates["undetermined"] == 0
    assert sum(crash.exposed for crash in verdict.crashes) == len(lost)
    assert verdict.validity == ("valid" if acknowledged else "unknown"), verdict.reasons
    newest = {product: held.version for product, held in (run.rows | run.pending).items()}
    for one in verdict.judged:
        if one.fate == "lost":
            assert one.overwritten_later == (newest[one.product] > one.version)


def superseded_by_version(writers: Sequence[Write], write: Write) -> Answered:
    return "no"


def any_letter(case: Case, write: Write, product: str, entry: StoredValue) -> Answered:
    return "yes" if entry.version >= (write.version or 0) else "no"


def unread_is_empty(
    case: Case, write: Write, entries: Any, unread: str | None = None
) -> tuple[Answered, str]:
    return right_among(case, write, entries)


def unread_rows_are_none(case: Case, write: Write) -> Any:
    return ("persisted", "no", "") if case.read.unread else right_in_row(case, write)


def foreign_rows_supersede(case: Case, write: Write) -> Any:
    place, answer, why = right_in_row(case, write)
    return place, "yes" if why == places._FOREIGN and answer == "unclear" else answer, why


right_among, right_in_row = places.among, places._in_row


#: The first counterexample will do; it need not be minimal.
_SEARCH = settings(max_examples=5000, database=None, derandomize=True, phases=[Phase.generate])


def counterexample(strategy: st.SearchStrategy[Any], wrong: Callable[[Any], bool]) -> bool:
    try:
        find(strategy, wrong, settings=_SEARCH)
    except NoSuchExample:
        return False
    return True


@pytest.mark.parametrize(
    ("module", "name", "mutant"),
    [
        pytest.param(places, "precede", superseded_by_version, id="versions alone decide"),
        pytest.param(places, "_holds", any_letter, id="any newer letter accounts for a write"),
        pytest.param(places, "among", unread_is_empty, id="what was not read is empty"),
        pytest.param(places, "_in_row", unread_rows_are_none, id="rows that were not read are none"),
        pytest.param(places, "_in_row", foreign_rows_supersede, id="a foreign row supersedes"),
    ],
)
def test_the_definition_catches_a_wrong_judge(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, mutant: Any
) -> None:
    monkeypatch.setattr(module, name, mutant)
    assert counterexample(cases, lambda case: not agrees(case))


def forgiven(case: Case) -> dict[int, crashes.Exposure]:
    return {}


def only_whole_intervals(write: Write, loss: MemoryLoss) -> Answered:
    return "yes" if write.over_at <= loss.last_seen_at else "no"


def all_before_the_change(write: Write, loss: MemoryLoss) -> Answered:
    return "yes" if write.sent_at < loss.changed_at else "no"


def later_rows_count(case: Case, product: str, version: int, loss: MemoryLoss) -> Answered:
    return "yes"


@pytest.mark.parametrize(
    ("module", "name", "mutant"),
    [
        pytest.param(fates, "exposures", forgiven, id="later writes forgive a crash"),
        pytest.param(
            crashes, "taken_before", only_whole_intervals, id="what spans the change is not asked for"
        ),
        pytest.param(
            crashes, "taken_before", all_before_the_change, id="what spans it is all the old memory's"
        ),
        pytest.param(crashes, "_of_old_memory", later_rows_count, id="rows of the new memory count as seen"),
    ],
)
def test_the_truth_about_crashes_catches_a_wrong_judge(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, mutant: Any
) -> None:
    def lies(script: list[Step]) -> bool:
        runs = [played(script, watched=watched) for watched in (True, False)]
        return not all(tells_the_truth(run, judge_run(run)) for run in runs)

    monkeypatch.setattr(module, name, mutant)
    assert counterexample(steps, lies)
