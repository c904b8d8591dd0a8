"""Promise 9: it always drains. Real processes, killed at random points under writes, with seeds."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scenarios.judge.verdict import judge
from scenarios.lab.context import Lab
from stack.stack import Stack
from stack.wait import wait_until

#: s after everything is up.
DRAINED_WITHIN = 5.0


@contextmanager
def writing(lab: Lab, *, clients: int, seed: int) -> Iterator[threading.Event]:
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
                lab.client.update(chance.choice(own), value)
            else:
                write = lab.client.create(value)
                if write.product:
                    own.append(write.product)
            if len(lab.ledger.writes) > 50:
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


def drained(lab: Lab) -> None:
    wait_until(
        lambda: lab.probe.depth().unsettled == 0,
        seconds=DRAINED_WITHIN,
        reason=f"the queue is empty within {DRAINED_WITHIN} s of everything being up",
        hint=str(lab.probe.depth()),
    )


@pytest.fixture
def lab(stack: Stack) -> Iterator[Lab]:
    list(stack.up())
    with Lab(stack) as lab:
        drained(lab)
        lab.begin()
        yield lab


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("victim", ["worker", "api"])
def test_a_kill_at_a_random_point_loses_nothing_that_redis_holds(
    stack: Stack, lab: Lab, victim: str, seed: int
) -> None:
    chance = random.Random(seed)
    with writing(lab, clients=4, seed=seed) as warm:
        assert warm.wait(10)
        for _ in range(2):
            # Anywhere within a window and a batch: that is the point of the seeds.
            threading.Event().wait(chance.uniform(0.0, 0.6))
            list(stack.kill(victim))
            list(stack.start(victim))
    up = time.monotonic()
    drained(lab)
    assert time.monotonic() - up < DRAINED_WITHIN + 1
    verdict = judge(lab.history(), lab.probe.findings(lab.ledger))
    assert verdict.validity == "valid", verdict.reasons
    assert verdict.fates["lost"] == verdict.fates["pending"] == verdict.fates["dead_lettered"] == 0
    assert verdict.acknowledged > 50


def test_the_last_write_before_the_api_dies_is_flushed_without_another(stack: Stack, lab: Lab) -> None:
    """Between the script and the job: the entry is in Redis, and nobody was told."""
    list(stack.stop("worker"))
    write = lab.client.create({"name": "alone", "price": 1.0, "quantity": 1})
    list(stack.kill("api"))
    # The job is lost, the signal stays: the worst that a kill between the two can leave.
    lab.probe.delete("rq:queue:write-behind")
    list(stack.start("worker"))
    drained(lab)
    assert write.product
    assert lab.probe.rows([write.product])
    list(stack.up())


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2])
def test_flushall_under_load_drains(stack: Stack, lab: Lab, seed: int) -> None:
    chance = random.Random(seed)
    with writing(lab, clients=4, seed=seed) as warm:
        assert warm.wait(10)
        for _ in range(3):
            threading.Event().wait(chance.uniform(0.0, 0.4))
            lab.probe.flush_all()
    drained(lab)
    verdict = judge(lab.history(), lab.probe.findings(lab.ledger))
    assert verdict.validity == "valid", verdict.reasons


@pytest.mark.parametrize("service", ["redis", "postgres"])
def test_a_restart_of_a_database_under_load_drains(stack: Stack, lab: Lab, service: str) -> None:
    with writing(lab, clients=4, seed=7) as warm:
        assert warm.wait(10)
        list(stack.kill(service))
        list(stack.start(service))
    drained(lab)
    verdict = judge(lab.history(), lab.probe.findings(lab.ledger))
    assert verdict.validity == "valid", verdict.reasons
    if service == "postgres":
        assert verdict.fates["lost"] == 0


def test_a_stopped_worker_finishes_its_batch_and_loses_nothing(stack: Stack, lab: Lab) -> None:
    with writing(lab, clients=4, seed=3) as warm:
        assert warm.wait(10)
        list(stack.stop("worker"))
    assert lab.probe.depth().inflight == 0, "a graceful stop leaves no claim behind"
    list(stack.start("worker"))
    drained(lab)
    verdict = judge(lab.history(), lab.probe.findings(lab.ledger))
    assert (verdict.validity, verdict.fates["lost"]) == ("valid", 0)
