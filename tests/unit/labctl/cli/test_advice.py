"""The advice that users get about an unhealthy lab."""

from dataclasses import replace

import pytest

from labctl.cli.advice import advice, flushing
from service.writebehind.condition import Condition
from service.writebehind.workers import Blocker, WorkerState
from stack.spec.events import ServiceState
from stack.spec.hints import for_lab
from stack.spec.runtime import Observed

WORKER = WorkerState(
    name="h-7", pid=7, host="h", started_at=1.0, state="idle", reason="", code="", for_ms=0, settings={"a": 1}
)
WELL = Condition(now_us=1, epoch=1, workers=(WORKER,), oldest_due_ms=0, unwritten=0, live={})
BLOCKED = replace(WORKER, state="blocked", for_ms=3_000, blocked_by=(Blocker(4711, "psql", "LOCK"),))
UP = "Not everything is healthy: `labctl up` repairs the lab."


def _observed(**ailing: tuple[ServiceState, str]) -> dict[str, Observed]:
    """A lab in which these services are not healthy, with state and detail."""
    names = ("redis", "postgres", "api", "worker")
    states = {name: ailing.get(name, ("healthy", "")) for name in names}
    return {name: Observed(service=name, state=s, detail=d, pid=1) for name, (s, d) in states.items()}


def advise(observed: dict[str, Observed], condition: Condition | None) -> list[str]:
    """The advice as a person reads it."""
    return [for_lab(sentence, "lab42") for sentence in advice(observed, condition)]


def test_a_lab_that_is_well_needs_no_advice() -> None:
    assert advise(_observed(), WELL) == []


def test_a_lab_that_does_not_run() -> None:
    missing: tuple[ServiceState, str] = ("missing", "")
    services = _observed(redis=missing, postgres=missing, api=missing, worker=missing)
    assert advise(services, None) == ["The lab is not running: start it with `labctl up`."]


def test_what_up_cannot_mend_is_not_said_to_be_mended_by_it() -> None:
    condition = replace(WELL, workers=(BLOCKED,), unwritten=1_200)
    assert advise(_observed(worker=("unhealthy", "flush blocked")), condition) == [
        "Flush blocked for 3 s by pid 4711 (psql: LOCK) (1,200 in Redis alone). "
        "It goes on by itself once that session commits, rolls back or ends."
    ]


@pytest.mark.parametrize("workers", [(), (WORKER,)])
def test_writes_that_are_overdue(workers: tuple[WorkerState, ...]) -> None:
    condition = replace(WELL, workers=workers, oldest_due_ms=7_000)
    first, *others = advise(_observed(worker=("unhealthy", "")), condition)
    assert first.startswith("Acknowledged writes have been due for 7 s, and no worker takes them.")
    assert others == ([] if workers else [UP])


def test_a_full_redis_has_a_way_out_of_its_own() -> None:
    services = _observed(redis=("unhealthy", "is full: …"), api=("unhealthy", "refuses writes: …"))
    (said,) = advise(services, WELL)
    assert "`labctl up --set REDIS_MAXMEMORY=1gb`" in said


def test_a_service_that_died_is_repaired_also_beside_other_trouble() -> None:
    condition = replace(WELL, workers=(BLOCKED,))
    services = _observed(worker=("unhealthy", ""), api=("died", "it was killed"))
    assert advise(services, condition)[-1] == UP
    assert advise(_observed(redis=("paused", "")), None) == [UP]


def test_documents_tell_of_the_workers_without_their_settings() -> None:
    assert flushing(None) is None
    told = flushing(replace(WELL, workers=(BLOCKED,), oldest_due_ms=5))
    assert told is not None
    assert (told["oldest_due_ms"], told["trouble"]) == (5, "flush blocked for 3 s by pid 4711 (psql: LOCK)")
    (worker,) = told["workers"]
    assert "settings" not in worker
    assert worker["blocked_by"] == ({"pid": 4711, "application": "psql", "query": "LOCK"},)
