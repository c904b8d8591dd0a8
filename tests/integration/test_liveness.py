"""Promise 9: it always drains. Real processes, killed at random points under writes, with seeds."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scenarios.lab.context import Run
from stack.lab import Lab
from stack.wait import wait_until
from tests.integration.runs import finish

#: s after everything is up.
DRAINED_WITHIN = 5.0


@contextmanager
def writing(run: Run, *, clients: int, seed: int) -> Iterator[threading.Event]:
    """Clients create and update products until the end of the block; every answer is in the ledger.
    The event is set once some writes are acknowledged."""
    stop, warm = threading.Event(), threading.Event()

    def client(number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        own: list[str] = []
        while not stop.is_set():
            value = {
                "name": f"w-{number}-{chance.random()}",
                "price": 1.5,
                "quantity": chance.randrange(1000),
            }
            if own and chance.random() < 0.7:
                run.client.update(chance.choice(own), value)
            else:
                write = run.client.create(value)
                if write.product:
                    own.append(write.product)
            if run.ledger.count("acknowledged") > 50:
                warm.set()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield warm
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def drained(run: Run) -> None:
    wait_until(
        lambda: run.probe.depth().unsettled == 0,
        seconds=DRAINED_WITHIN,
        reason=f"the queue is empty within {DRAINED_WITHIN} s of everything being up",
        hint=str(run.probe.depth()),
    )


@pytest.fixture
def run(lab: Lab) -> Iterator[Run]:
    list(lab.up())
    with Run(lab) as run:
        drained(run)
        run.open_journal()
        run.begin()
        yield run


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("victim", ["worker", "api"])
def test_a_kill_at_a_random_point_loses_nothing_that_redis_holds(
    lab: Lab, run: Run, victim: str, seed: int
) -> None:
    chance = random.Random(seed)
    with writing(run, clients=4, seed=seed) as warm:
        assert warm.wait(10)
        for _ in range(2):
            # At any point of a window and a batch: that is what the seeds are for.
            threading.Event().wait(chance.uniform(0.0, 0.6))
            list(lab.kill(victim))
            list(lab.start(victim))
    up = time.monotonic()
    drained(run)
    assert time.monotonic() - up < DRAINED_WITHIN + 1
    verdict = finish(run.judging())
    assert verdict.validity == "valid", verdict.reasons
    assert verdict.fates["lost"] == verdict.fates["pending"] == verdict.fates["dead_lettered"] == 0
    assert verdict.acknowledged > 50


@pytest.mark.slow_in_docker
def test_the_last_write_before_the_api_dies_is_flushed_without_another(lab: Lab, run: Run) -> None:
    """Killed between the script and the job: the entry is in Redis, but no flush was signalled."""
    list(lab.stop("worker"))
    write = run.client.create({"name": "alone", "price": 1.0, "quantity": 1})
    list(lab.kill("api"))
    # The job is lost but the signal stays: the worst that a kill between the two can leave behind.
    run.probe.delete("rq:queue:write-behind")
    list(lab.start("worker"))
    drained(run)
    assert write.product
    assert run.probe.rows([write.product])
    list(lab.up())


@pytest.mark.slow_in_docker
@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2])
def test_flushall_under_load_drains(lab: Lab, run: Run, seed: int) -> None:
    chance = random.Random(seed)
    with writing(run, clients=4, seed=seed) as warm:
        assert warm.wait(10)
        for _ in range(3):
            threading.Event().wait(chance.uniform(0.0, 0.4))
            run.probe.flush_all()
    drained(run)
    verdict = finish(run.judging())
    assert verdict.validity == "valid", verdict.reasons


@pytest.mark.slow_in_docker
@pytest.mark.parametrize("service", ["redis", "postgres"])
def test_a_restart_of_a_database_under_load_drains(lab: Lab, run: Run, service: str) -> None:
    with writing(run, clients=4, seed=7) as warm:
        assert warm.wait(10)
        list(lab.kill(service))
        list(lab.start(service))
    drained(run)
    verdict = finish(run.judging())
    assert verdict.validity == "valid", verdict.reasons
    if service == "postgres":
        assert verdict.fates["lost"] == 0


@pytest.mark.slow_in_docker
def test_a_stopped_worker_finishes_its_batch_and_loses_nothing(lab: Lab, run: Run) -> None:
    with writing(run, clients=4, seed=3) as warm:
        assert warm.wait(10)
        list(lab.stop("worker"))
    assert run.probe.depth().inflight == 0, "a graceful stop leaves no claim behind"
    list(lab.start("worker"))
    drained(run)
    verdict = finish(run.judging())
    assert (verdict.validity, verdict.fates["lost"]) == ("valid", 0)
