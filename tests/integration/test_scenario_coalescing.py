"""`demo coalescing` on a running lab."""

from collections.abc import Iterator

import psycopg
import pytest

from scenarios.lab.context import Run
from service.writebehind import keys
from stack.converge.schema import apply_schema
from stack.lab import Lab
from tests.integration.runs import assert_works, interrupt, play


@pytest.fixture
def run(lab: Lab) -> Iterator[Run]:
    """The lab as it was started. Changes to its settings are undone."""
    list(lab.up())
    with Run(lab) as run:
        yield run
        run.probe.delete(keys.CONFIG)


def test_twenty_updates_become_few_rows_and_the_last_one_wins(lab: Lab, run: Run) -> None:
    played = play(lab, "coalescing")
    played.assert_well_told()
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert played.verdict.validity == "valid"
    assert played.verdict.acknowledged == played.figures["accepted"] == 20
    assert 1 <= int(played.figures["rows_written"]) <= 5
    assert played.figures["coalesced"] == 20 - int(played.figures["rows_written"])
    assert played.end.seconds < 8


def test_the_row_is_the_write_with_the_highest_version(lab: Lab, run: Run) -> None:
    played = play(lab, "coalescing")
    last = max(played.verdict.judged, key=lambda write: write.version)
    row = run.probe.rows(["seed-001"])["seed-001"]
    assert row.value is not None
    assert (row.version, row.value["name"]) == (last.version, last.label)


@pytest.mark.parametrize(
    "setting", [{"write_coalescing_enabled": False}, {"write_policy": "write_through"}], ids=str
)
def test_a_lab_that_cannot_coalesce_is_inconclusive_and_says_what_to_set(
    lab: Lab, run: Run, setting: dict[str, object]
) -> None:
    run.client.change_config(setting)
    end = play(lab, "coalescing").end
    assert end.outcome == "inconclusive"
    assert next(iter(setting)) in end.conclusion


def test_a_seed_that_was_deleted_is_inconclusive_and_says_so(lab: Lab, run: Run) -> None:
    deleted = run.client.delete("seed-001")
    try:
        assert deleted.answer == "acknowledged"
        end = play(lab, "coalescing").end
        assert end.outcome == "inconclusive"
        assert "seed-001" in end.conclusion
    finally:
        # The shared lab gets its seed back.
        with psycopg.connect(lab.urls()["postgres"]) as connection:
            connection.execute("DELETE FROM product_tombstones WHERE id = 'seed-001'")
        run.probe.delete(keys.cache("seed-001"))
        apply_schema(lab.urls()["postgres"])


def test_writes_from_before_do_not_count(lab: Lab, run: Run) -> None:
    """Another product's writes are still pending when the run begins."""
    for number in range(5):
        run.client.create({"name": f"before-{number}", "price": 1.0, "quantity": number})
    played = play(lab, "coalescing")
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert played.verdict.acknowledged == 20


def test_an_interruption_leaves_the_lab_working(lab: Lab, run: Run) -> None:
    interrupt(lab, "coalescing", lambda event: getattr(event, "number", 0) == 2)
    assert_works(lab)
