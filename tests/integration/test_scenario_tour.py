"""The demos that break nothing: basics, latency, database-state."""

from collections.abc import Iterator

import pytest

from scenarios.events import TableShown
from scenarios.lab.context import Lab
from service.writebehind import keys
from stack.stack import Stack
from tests.integration.runs import play


@pytest.fixture
def lab(stack: Stack) -> Iterator[Lab]:
    list(stack.up())
    with Lab(stack) as lab:
        lab.probe.delete(keys.DLQ)
        lab.probe.delete(keys.CONFIG)
        yield lab
        lab.probe.delete(keys.DLQ)
        lab.probe.delete(keys.CONFIG)


def test_basics_follows_one_write_from_acknowledgement_to_row(stack: Stack, lab: Lab) -> None:
    run = play(stack, "basics")
    run.assert_well_told()
    assert run.end.outcome == "expected", (run.end, run.failed_checks)
    assert run.verdict.fates["persisted"] == run.verdict.acknowledged == 1
    assert float(run.figures["acknowledged_ms"]) < float(run.figures["persisted_ms"])
    assert len(run.of(TableShown)[-1].rows) == 1


def test_basics_without_a_window_does_not_claim_to_have_seen_the_row_missing(stack: Stack, lab: Lab) -> None:
    lab.client.change_config({"coalescing_window_ms": 0})
    run = play(stack, "basics")
    assert run.end.outcome == "expected", (run.end, run.failed_checks)


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["basics", "latency", "coalescing", "data-loss", "retries"])
def test_no_demo_lets_an_audience_wait_for_minutes(stack: Stack, lab: Lab, name: str) -> None:
    lab.client.change_config({"coalescing_window_ms": 600_000})
    end = play(stack, name).end
    assert (end.outcome, "600 s" in end.conclusion) == ("inconclusive", True)
    assert lab.probe.depth().unsettled == 0


@pytest.mark.parametrize("policy", ["write_behind", "write_through"])
def test_latency_compares_both_policies_whatever_the_lab_is_set_to(
    stack: Stack, lab: Lab, policy: str
) -> None:
    lab.client.change_config({"write_policy": policy})
    run = play(stack, "latency")
    run.assert_well_told()
    # On a machine as busy as a test machine, which one is faster is not for a test to say.
    assert run.verdict.validity == "valid"
    assert run.verdict.fates["persisted"] == run.verdict.acknowledged == 210
    assert [check.claim for check in run.failed_checks] in ([], ["write-behind answers sooner"])
    assert [row[0] for row in run.of(TableShown)[0].rows] == ["write-behind", "write-through"]


def test_database_state_counts_what_is_there(stack: Stack, lab: Lab) -> None:
    run = play(stack, "database-state")
    run.assert_well_told()
    assert run.end.outcome == "expected", (run.end, run.failed_checks)
    assert str(run.figures["total_products"]) == lab.probe.table("SELECT count(*) FROM products")[1][0][0]


def test_database_state_does_not_overlook_dead_letters(stack: Stack, lab: Lab) -> None:
    lab.client.change_config({"simulate_db_failure": True, "failure_rate": 1.0, "max_retries": 0})
    lab.client.create({"name": "refused", "price": 1.0, "quantity": 1})
    list(lab.probe.settle(10))
    assert play(stack, "database-state").end.outcome == "unexpected"
