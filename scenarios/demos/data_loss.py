"""Runbook part 6: which acknowledged writes a crash of Redis loses, and which it does not."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from scenarios.conclude import conclude, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, StepStarted, TableShown
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.preconditions import (
    flush_delay,
    require_acknowledged,
    require_no_failures,
    require_settings,
)
from scenarios.scenario import Conclusion, Crash, Options, refuse_load_options
from scenarios.shell_commands import curl, labctl, psql, redis_cli
from stack.converge.restore import remember
from stack.errors import Inconclusive

_SAFE: Final = 10
_DOOMED: Final = 5
_SAFE_GROUP: Final = "persisted before the crash"
_DOOMED_GROUP: Final = "queued at the crash"
_PERSIST_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class DataLoss:
    """Acknowledged, persisted, queued, crashed, judged."""

    name: str = "data-loss"
    title: str = "Data loss"
    summary: str = (
        "Writes are acknowledged before they are in PostgreSQL. When Redis loses its memory, those still "
        "in the queue are gone, though every client was told that they were taken."
    )
    steps: int = 6

    def check(self, options: Options) -> None:
        refuse_load_options(self.name, options)

    def play(self, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
        config = require_settings(run, "nothing waits in the queue", write_policy="write_behind")
        flush_delay(require_no_failures(config))
        yield from _persist_some(run)
        with _repaired_afterwards(run):
            yield from _queue_some(run)
            yield from _crash(run, options.crash)
            yield StepStarted(5, "Start the worker again", labctl(run.lab.name, "worker start"))
            yield from run.lab.start("worker")
        yield Narrated(
            "It finds an empty queue: nobody knows any more what was acknowledged, but the ledger."
        )
        url = run.lab.urls()["postgres"]
        query = "SELECT name FROM products WHERE name LIKE 'WillBeLost-%';"
        yield StepStarted(6, "Compare the ledger with PostgreSQL", psql(url, query))
        verdict = yield from reach_verdict(run)
        checks = list(_check(verdict))
        yield from checks
        yield Narrated(
            "An acknowledgement from the cache is a promise that only Redis' memory keeps. What you can't "
            "afford to lose must be written through.",
            "matters",
        )
        lost, kept = verdict.fates["lost"], verdict.fates["persisted"]
        text = f"Exactly the {lost} queued writes are lost, and none of the {kept} persisted ones."
        return conclude(verdict, checks, text)


DATA_LOSS: Final = DataLoss()


def _create(run: Run, name: str, count: int, group: str) -> list[Write]:
    """Create products; raises Inconclusive unless every one is acknowledged."""
    writes = [
        run.client.create({"name": f"{name}-{n}", "price": 99.99, "quantity": n}, group=group)
        for n in range(1, count + 1)
    ]
    require_acknowledged(writes)
    return writes


@contextmanager
def _repaired_afterwards(run: Run) -> Iterator[None]:
    """Whatever happens within, an interruption too: the lab works again afterwards. Where the run is killed,
    the next command sees to that."""
    run.journal.note_services("redis", "worker")
    try:
        yield
    finally:
        for service in ("redis", "worker"):
            if run.lab.status()[service].state != "healthy":
                list(run.lab.start(service))
        run.journal.clear()


def _persist_some(run: Run) -> Generator[Event, None, None]:
    value = {"name": "AtRisk-1", "price": 99.99, "quantity": 1}
    yield StepStarted(1, f"{_SAFE} products, persisted", curl("POST", f"{run.api_url}/products", value))
    safe = _create(run, "AtRisk", _SAFE, _SAFE_GROUP)
    settled = yield from run.probe.settle(_PERSIST_SECONDS)
    rows = run.probe.rows(w.product for w in safe if w.product)
    if not settled.quiet or len(rows) != len(safe):
        raise Inconclusive(
            f"only {len(rows)} of {_SAFE} products reached PostgreSQL within {_PERSIST_SECONDS:g} s",
            hint="is the worker running? see `labctl status` and `labctl logs worker`",
        )
    yield Measured("persisted_before", "acknowledged and in PostgreSQL", len(rows), "products")


def _queue_some(run: Run) -> Generator[Event, None, None]:
    yield StepStarted(2, "Stop the worker", labctl(run.lab.name, "worker stop"))
    yield from run.lab.stop("worker")
    yield Narrated("Writes are still acknowledged, but nobody brings them to PostgreSQL now.")
    value = {"name": "WillBeLost-1", "price": 99.99, "quantity": 1}
    yield StepStarted(3, f"{_DOOMED} more products", curl("POST", f"{run.api_url}/products", value))
    doomed = _create(run, "WillBeLost", _DOOMED, _DOOMED_GROUP)
    depth = run.probe.depth().queue
    if depth == 0:
        raise Inconclusive("the queue is empty before the crash", hint="does another worker run?")
    yield Measured("acknowledged_at_risk", "acknowledged, in Redis alone", len(doomed), "products")
    yield Measured("queue_size", "queue size before the crash", depth)


def _crash(run: Run, crash: Crash) -> Generator[Event, None, None]:
    if crash == "flushall":
        command = redis_cli(run.lab.urls()["redis"], "FLUSHALL")
        yield StepStarted(4, "Redis loses its memory: FLUSHALL", command)
        run.probe.flush_all()
        yield Narrated(
            "FLUSHALL empties Redis in one stroke. It stands for a crash, but is none: the process lives on."
        )
    else:
        typed = [labctl(run.lab.name, f"fault {verb} redis") for verb in ("kill", "start")]
        yield StepStarted(4, "Redis is killed and starts without its memory", "\n".join(typed))
        yield from run.lab.kill("redis")
        yield from run.lab.start("redis")
        yield Narrated(
            "SIGKILL is a crash of the process, not a power loss: the machine's page cache survives it. "
            "This Redis keeps nothing on disk, so its memory was all there was."
        )
    # What was set live stood in Redis, too.
    yield from remember(run.lab)
    yield Measured("queue_size_after", "queue size after the crash", run.probe.depth().queue)


def _check(verdict: Verdict) -> Generator[Event, None, None]:
    doomed = tuple((j.product, j.label, j.fate) for j in verdict.judged if j.group == _DOOMED_GROUP)
    yield TableShown("doomed", _DOOMED_GROUP, ("product", "name", "verdict"), doomed)
    for group, fate in ((_SAFE_GROUP, "persisted"), (_DOOMED_GROUP, "lost")):
        judged = [j for j in verdict.judged if j.group == group]
        hit = sum(j.fate == fate for j in judged)
        unclear = any(j.fate == "undetermined" for j in judged)
        yield Checked(
            f"of those {group}, all are {fate}",
            f"{len(judged)} {fate}",
            f"{hit} {fate}",
            passed=None if unclear else bool(judged) and hit == len(judged),
        )
    yield Measured("lost_writes", "lost writes", verdict.fates["lost"], "writes")
    yield Measured(
        "lost_products", "products whose last value is lost", len(verdict.lost_products), "products"
    )
