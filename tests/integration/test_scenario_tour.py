"""The demos that break nothing: basics, latency, database-state."""

import pytest
import redis

from scenarios.events import TableShown
from scenarios.lab.context import Run
from stack.lab import Lab
from tests.integration.runs import play


def test_basics_follows_one_write_from_acknowledgement_to_row(lab: Lab, run: Run) -> None:
    played = play(lab, "basics")
    played.assert_well_told()
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert played.verdict.fates["persisted"] == played.verdict.acknowledged == 1
    assert float(played.figures["acknowledged_ms"]) < float(played.figures["persisted_ms"])
    assert len(played.of(TableShown)[-1].rows) == 1


def test_basics_without_a_window_does_not_claim_to_have_seen_the_row_missing(lab: Lab, run: Run) -> None:
    run.client.change_config({"coalescing_window_ms": 0})
    played = play(lab, "basics")
    assert played.end.outcome == "expected", (played.end, played.failed_checks)


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["basics", "latency", "coalescing", "data-loss", "retries"])
def test_no_demo_lets_an_audience_wait_for_minutes(lab: Lab, run: Run, name: str) -> None:
    run.client.change_config({"coalescing_window_ms": 600_000})
    end = play(lab, name).end
    assert (end.outcome, "600 s" in end.conclusion) == ("inconclusive", True), end
    assert run.probe.depth().unsettled == 0


@pytest.mark.parametrize("name", ["basics", "data-loss"])
def test_a_demo_waits_for_a_worker_that_has_not_spoken_since_redis_was_emptied(
    lab: Lab, run: Run, name: str
) -> None:
    with redis.Redis.from_url(lab.urls()["redis"]) as client:
        client.flushall()
    end = play(lab, name).end
    assert end.outcome == "expected", end


@pytest.mark.slow_in_docker
@pytest.mark.parametrize("policy", ["write_behind", "write_through"])
def test_latency_compares_both_policies_whatever_the_lab_is_set_to(lab: Lab, run: Run, policy: str) -> None:
    run.client.change_config({"write_policy": policy})
    played = play(lab, "latency")
    played.assert_well_told()
    # On a busy test machine, a test cannot say which of the two is faster.
    assert played.verdict.validity == "valid"
    assert played.verdict.fates["persisted"] == played.verdict.acknowledged == 210
    assert [check.claim for check in played.failed_checks] in ([], ["write-behind answers sooner"])
    assert [row[0] for row in played.of(TableShown)[0].rows] == ["write-behind", "write-through"]


def test_database_state_counts_what_is_there(lab: Lab, run: Run) -> None:
    played = play(lab, "database-state")
    played.assert_well_told()
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    assert str(played.figures["total_products"]) == run.probe.table("SELECT count(*) FROM products")[1][0][0]


def test_database_state_does_not_overlook_dead_letters(lab: Lab, run: Run) -> None:
    run.client.change_config({"simulate_db_failure": True, "failure_rate": 1.0, "max_retries": 0})
    run.client.create({"name": "refused", "price": 1.0, "quantity": 1})
    list(run.probe.settle(10))
    assert play(lab, "database-state").end.outcome == "unexpected"
