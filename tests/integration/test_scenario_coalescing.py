"""`demo coalescing` on a running lab."""

from collections.abc import Iterator

import psycopg
import pytest

from scenarios.lab.context import Lab
from service.writebehind import keys
from stack.converge.schema import apply_schema
from stack.stack import Stack
from tests.integration.runs import assert_works, interrupt, play


@pytest.fixture
def lab(stack: Stack) -> Iterator[Lab]:
    """The lab as it was started; changes of its settings are undone."""
    list(stack.up())
    with Lab(stack) as lab:
        yield lab
        lab.probe.delete(keys.CONFIG)


def test_twenty_updates_become_few_rows_and_the_last_one_wins(stack: Stack, lab: Lab) -> None:
    run = play(stack, "coalescing")
    run.assert_well_told()
    assert run.end.outcome == "expected", (run.end, run.failed_checks)
    assert run.verdict.validity == "valid"
    assert run.verdict.acknowledged == run.figures["accepted"] == 20
    assert 1 <= int(run.figures["rows_written"]) <= 5
    assert run.figures["coalesced"] == 20 - int(run.figures["rows_written"])
    assert run.end.seconds < 8


def test_the_row_is_the_write_with_the_highest_version(stack: Stack, lab: Lab) -> None:
    run = play(stack, "coalescing")
    last = max(run.verdict.judged, key=lambda write: write.version)
    row = lab.probe.rows(["seed-001"])["seed-001"]
    assert row.value is not None
    assert (row.version, row.value["name"]) == (last.version, last.label)


@pytest.mark.parametrize(
    "setting", [{"write_coalescing_enabled": False}, {"write_policy": "write_through"}], ids=str
)
def test_a_lab_that_can_not_coalesce_is_inconclusive_and_says_what_to_set(
    stack: Stack, lab: Lab, setting: dict[str, object]
) -> None:
    lab.client.change_config(setting)
    end = play(stack, "coalescing").end
    assert end.outcome == "inconclusive"
    assert next(iter(setting)) in end.conclusion


def test_a_seed_that_was_deleted_is_inconclusive_and_says_so(stack: Stack, lab: Lab) -> None:
    deleted = lab.client.delete("seed-001")
    try:
        assert deleted.answer == "acknowledged"
        end = play(stack, "coalescing").end
        assert end.outcome == "inconclusive"
        assert "seed-001" in end.conclusion
    finally:
        # The shared lab gets its seed back.
        with psycopg.connect(stack.urls()["postgres"]) as connection:
            connection.execute("DELETE FROM product_tombstones WHERE id = 'seed-001'")
        lab.probe.delete(keys.cache("seed-001"))
        apply_schema(stack.urls()["postgres"])


def test_writes_from_before_do_not_count(stack: Stack, lab: Lab) -> None:
    """Another product's writes are still pending when the run begins."""
    for number in range(5):
        lab.client.create({"name": f"before-{number}", "price": 1.0, "quantity": number})
    run = play(stack, "coalescing")
    assert run.end.outcome == "expected", (run.end, run.failed_checks)
    assert run.verdict.acknowledged == 20


def test_an_interruption_leaves_the_lab_working(stack: Stack, lab: Lab) -> None:
    interrupt(stack, "coalescing", lambda event: getattr(event, "number", 0) == 2)
    assert_works(stack)
