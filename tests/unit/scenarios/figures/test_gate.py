"""A run passes its gate only if every figure was measured and is as expected."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from scenarios.events import Checked, Measured
from scenarios.figures.expect import parse_expectation
from scenarios.figures.gate import check, check_expectations
from scenarios.figures.run_figures import RunFigures
from scenarios.journal.reader import open_journal
from scenarios.judge.ledger import Write
from scenarios.scenario import Conclusion
from tests.unit.scenarios.figures.journalled import figures_of, written

FINE = Conclusion("expected", "all is well")


def checked(text: str, run: RunFigures) -> tuple[bool | None, str]:
    found = check(parse_expectation(text), run)
    return found.passed, found.actual


def concluded(
    folder: Path, expected: Sequence[str], before: Conclusion = FINE
) -> tuple[list[Checked], Conclusion]:
    (path,) = folder.glob("*.jsonl*")
    checking, seen = check_expectations(open_journal(path), expected, before), list[Checked]()
    while True:
        try:
            event = next(checking)
        except StopIteration as end:
            return seen, end.value
        assert isinstance(event, Checked)
        seen.append(event)


@pytest.mark.parametrize(
    ("text", "passed", "actual"),
    [
        ("p99<20ms", True, "8 ms"),
        ("p99<7.9ms", False, "8 ms"),
        ("lost==2", True, "2 writes"),
        ("lost==0", False, "2 writes"),
        ("lost<=5%", True, "5 % (2 writes of 40)"),
        ("lost<5%", False, "5 % (2 writes of 40)"),
        ("read_p99<1s", False, "nothing: no read was timed"),
        ("persist_lag_p99<1.5s", False, "nothing: no write was seen to arrive in PostgreSQL"),
        ("errors==0", False, "nothing: no request was sent"),
    ],
)
def test_an_expectation_is_checked(text: str, passed: bool, actual: str, tmp_path: Path) -> None:
    run = figures_of(tmp_path, written(2, lambda at: 8), lost=2)
    assert checked(text, run) == (passed, actual)


@pytest.mark.parametrize(
    "text", ["p99<9s", "lost==0", "lost<1%", "errors==0", "stale_reads==0", "refused==0"]
)
def test_without_a_single_sample_every_expectation_fails(text: str, tmp_path: Path) -> None:
    events = [Measured("requests", "", 0), Measured("errors", "", 0)]
    passed, actual = checked(text, figures_of(tmp_path, [], events=events))
    assert passed is False
    assert actual.startswith("nothing: ")


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("lost==0", None),
        ("lost==1", None),
        ("lost!=1", None),
        ("lost==20", None),
        ("lost==21", False),
        ("lost!=21", True),
        ("lost<=20", True),
        ("lost<=19", None),
        ("lost>20", False),
    ],
)
def test_what_may_be_lost_counts_both_ways(text: str, passed: bool | None, tmp_path: Path) -> None:
    run = figures_of(tmp_path, written(1, lambda at: 8), read=False)
    assert checked(text, run) == (passed, "0 writes, and up to 20 writes")


def test_a_run_ends_as_it_would_have_if_all_is_as_expected(tmp_path: Path) -> None:
    figures_of(tmp_path, written(1, lambda at: 8))
    checks, end = concluded(tmp_path, ["p99<20ms", "lost==0"])
    assert [each.claim for each in checks] == ["p99 < 20 ms", "lost == 0 writes"]
    assert end == FINE


@pytest.mark.parametrize("outcome", ["expected", "inconclusive", "unexpected"])
def test_one_figure_that_is_not_fails_the_run_and_what_was_said_stays(outcome: str, tmp_path: Path) -> None:
    figures_of(tmp_path, written(1, lambda at: 8))
    _, end = concluded(tmp_path, ["p99<5ms", "p50<1s"], Conclusion(outcome, "so it ended"))  # type: ignore[arg-type]
    assert end.outcome == "unexpected"
    assert "p99 < 5 ms expected, measured 8 ms" in end.text
    assert ("so it ended" in end.text) == (outcome != "expected")


def test_a_figure_that_may_be_either_leaves_the_run_inconclusive(tmp_path: Path) -> None:
    writes: list[Write] = written(1, lambda at: 8)
    figures_of(tmp_path, writes, read=False)
    assert concluded(tmp_path, ["lost==0"])[1].outcome == "inconclusive"
