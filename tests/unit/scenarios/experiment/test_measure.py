"""What a trial measured, read from its journal."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from scenarios.events import LoadSampled, Measured, ScenarioFinished
from scenarios.experiment.design import Design
from scenarios.experiment.grid import grid
from scenarios.experiment.lab_trials import read_trial
from scenarios.experiment.measure import measure
from scenarios.journal.lines import EventLine
from scenarios.judge.final_read import Findings, StoredValue
from scenarios.judge.history import History, Sightings
from scenarios.judge.ledger import Write
from service.writebehind.settings import WritePolicy
from stack.errors import StateUnusable
from tests.journals import write_journal

#: When the load began, s since the run began; and how long it took. A tenth of that is each ramp.
BEGAN_AT, DURATION = 2.0, 10.0
BROKEN_AT = 5.0
LOST = 7


def _latency(due: float) -> float:
    """s: slow at first, quick in the steady part, and very slow after the fault."""
    return 0.5 if due < 1 else 0.002 if due < BROKEN_AT else 0.9


def _writes() -> Iterator[Write]:
    for number in range(int(DURATION * 20)):
        due = number / 20
        yield Write(
            product=f"p{number}",
            operation="create",
            value={"name": f"n{number}", "price": 1.0, "quantity": 1},
            answer="acknowledged",
            version=number + 1,
            sent_at=BEGAN_AT + due,
            finished_at=BEGAN_AT + due + _latency(due),
        )


def _samples() -> Iterator[EventLine]:
    for number in range(41):
        elapsed = number / 4
        phase = "ramp up" if elapsed < 1 else "ramp down" if elapsed > 9 else "hold"
        sample = LoadSampled(
            elapsed=elapsed,
            duration=DURATION,
            phase=phase,
            requests=0,
            requests_per_second=0,
            errors=0,
            p50_ms=0,
            p95_ms=0,
            p99_ms=0,
            queue_size=0,
            coalesced=0,
            flush_rate=0,
        )
        event = msgspec.to_builtins(sample)
        yield EventLine(at=BEGAN_AT + elapsed, name="LoadSampled", event=event)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    writes = list(_writes())
    rows = {str(w.product): StoredValue(version=w.version or 0, value=w.value) for w in writes[:-LOST]}
    history = History(writes=writes, sightings=Sightings(polls=(), seen={}, waiting={}))
    predicted = [
        Measured("predicted_loss", "predicted loss", 9, "writes"),
        Measured("predicted_loss_most", "predicted loss, at most", 12, "writes"),
    ]
    findings = Findings(rows=rows)
    return write_journal(tmp_path, history, findings, events=predicted, lines=list(_samples()))


def test_rates_and_times_are_of_the_steady_part_and_the_loss_is_of_all(journal: Path) -> None:
    figures = measure(journal, broken_at=BROKEN_AT)
    assert figures["writes_per_second"] == pytest.approx(20)
    assert figures["p50"] == pytest.approx(2, rel=0.01)
    assert figures["p99"] == pytest.approx(2, rel=0.01)
    assert figures["lost"] == LOST
    assert figures["acknowledged"] == 200
    assert (figures["predicted_loss"], figures["predicted_loss_most"]) == (9, 12)


def test_without_a_fault_the_steady_part_is_the_whole_hold(journal: Path) -> None:
    assert measure(journal)["p99"] == pytest.approx(900, rel=0.01)


def test_what_was_not_seen_is_left_out(journal: Path) -> None:
    # No poll saw a row arrive, so the lag is not known; and it is not 0.
    assert not any(name.startswith("persist_lag") for name in measure(journal))


def test_a_trial_that_was_broken_before_it_was_steady_has_no_times(journal: Path) -> None:
    figures = measure(journal, broken_at=0.5)
    assert figures["lost"] == LOST
    assert not {"p50", "p99", "writes_per_second"} & figures.keys()


def test_a_journal_that_ends_early_says_nothing_of_the_loss(tmp_path: Path) -> None:
    history = History(writes=list(_writes()), sightings=Sightings(polls=(), seen={}, waiting={}))
    path = write_journal(tmp_path, history, None, lines=list(_samples()), close=False)
    figures = measure(path, broken_at=BROKEN_AT)
    assert "lost" not in figures
    assert figures["p50"] == pytest.approx(2, rel=0.01)


def test_a_file_that_is_no_journal_is_an_error_and_not_a_trial_without_figures(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text("not a journal\n")
    with pytest.raises(StateUnusable, match="is not a run's journal"):
        measure(path)


def test_a_trial_whose_journal_can_not_be_read_is_inconclusive_however_its_load_ended(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text("not a journal\n")
    design = Design()
    ended = ScenarioFinished("load-basic", "expected", "all is well", 9.0)
    end, figures = read_trial(path, design, grid(design).cells[0], ended)
    assert (end.outcome, figures) == ("inconclusive", {})
    assert "is not a run's journal" in end.conclusion


@pytest.mark.parametrize(("policy", "predicted"), [("write_behind", 9), ("write_through", 0)])
def test_a_trial_ends_as_its_load_did_and_nothing_is_predicted_for_what_was_written_through(
    policy: WritePolicy, predicted: int, journal: Path
) -> None:
    design = Design(policies=(policy,))
    ended = ScenarioFinished("load-basic", "expected", "all is well", 9.0)
    end, figures = read_trial(journal, design, grid(design).cells[0], ended)
    assert end is ended
    assert (figures["lost"], figures["predicted_loss"]) == (LOST, predicted)
