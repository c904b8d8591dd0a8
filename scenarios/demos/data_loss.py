"""Runbook part 6: which acknowledged writes a crash of Redis loses, and which it does not."""

from collections.abc import Generator
from typing import Final

from scenarios.conclude import conclude, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, TableShown
from scenarios.faults.inject import Injector
from scenarios.faults.language import parse_action
from scenarios.judge.checks.fates import Judged
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.marks.viewers import let_viewers_see
from scenarios.options import CRASH, Crash, Options
from scenarios.preconditions import (
    flush_delay,
    require_acknowledged,
    require_no_failures,
    require_settings,
)
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.shell_commands import curl, labctl_for, psql, redis_cli
from stack.converge.restore import remember
from stack.errors import Inconclusive
from stack.spec.hints import for_lab, labctl

_SAFE: Final = 10
_DOOMED: Final = 5
_SAFE_GROUP: Final = "persisted before the crash"
_DOOMED_GROUP: Final = "queued at the crash"
_PERSIST_TIMEOUT_S: Final = 20.0
_STOP_WORKER, _START_WORKER = parse_action("worker:stop"), parse_action("worker:start")
_KILL, _START = parse_action("redis:kill"), parse_action("redis:start")
_FLUSHALL: Final = parse_action("redis:flushall")


def play(run: Run, options: Options) -> Play[Conclusion]:
    """Acknowledge, persist, queue, crash, judge."""
    config = require_settings(run, "nothing waits in the queue", write_policy="write_behind")
    flush_delay(require_no_failures(config))
    yield from _persist_some(run)
    with Injector(run, [_STOP_WORKER, _KILL, _FLUSHALL]) as injector:
        yield from _queue_some(run, injector)
        yield from _crash(run, injector, options.crash)
        yield Step("Start the worker again", labctl_for(run.lab.name, "worker start"))
        yield from injector.inject_surely(_START_WORKER)
    yield Narrated("It finds an empty queue. Only labctl's ledger still knows what was acknowledged.")

    query = "SELECT name FROM products WHERE name LIKE 'WillBeLost-%';"
    yield Step("Compare the ledger with PostgreSQL", psql(run.lab.urls()["postgres"], query))
    verdict = yield from reach_verdict(run)
    checks = list(_check(verdict))
    yield from checks
    yield Narrated(
        "An acknowledgement from the cache is a promise that only Redis's memory keeps. Data that you can't "
        "afford to lose must be written through.",
        "matters",
    )
    if verdict.lost_products:
        command = for_lab(labctl(f"explain {_first_lost(verdict)}"), run.lab.name)
        yield Narrated(f"{command} tells what became of one of the lost products.")
    lost, persisted = verdict.fates["lost"], verdict.fates["persisted"]
    text = f"Exactly the {lost} queued writes are lost, and none of the {persisted} persisted ones."
    return conclude(verdict, checks, text)


def _create(run: Run, name: str, count: int, group: str) -> list[Write]:
    """Create products; raises Inconclusive unless every one is acknowledged."""
    writes = [
        run.client.create({"name": f"{name}-{n}", "price": 99.99, "quantity": n}, group=group)
        for n in range(1, count + 1)
    ]
    require_acknowledged(writes)
    return writes


def _persist_some(run: Run) -> Play[None]:
    value = {"name": "AtRisk-1", "price": 99.99, "quantity": 1}
    yield Step(f"{_SAFE} products, persisted", curl("POST", f"{run.api_url}/products", value))
    safe = _create(run, "AtRisk", _SAFE, _SAFE_GROUP)
    settled = yield from run.probe.settle(_PERSIST_TIMEOUT_S)
    rows = run.probe.rows(write.product for write in safe if write.product)
    if not settled.quiet or len(rows) != len(safe):
        raise Inconclusive(
            f"only {len(rows)} of {_SAFE} products reached PostgreSQL within {_PERSIST_TIMEOUT_S:g} s",
            hint=f"is the worker running? see {labctl('status')} and {labctl('logs worker')}",
        )
    yield Measured("persisted_before", "acknowledged and in PostgreSQL", len(rows), "products")


def _queue_some(run: Run, injector: Injector) -> Play[None]:
    yield Step("Stop the worker", labctl_for(run.lab.name, "worker stop"))
    yield from injector.inject_surely(_STOP_WORKER)
    yield Narrated("Writes are still acknowledged, but nothing brings them to PostgreSQL now.")

    value = {"name": "WillBeLost-1", "price": 99.99, "quantity": 1}
    yield Step(f"{_DOOMED} more products", curl("POST", f"{run.api_url}/products", value))
    doomed = _create(run, "WillBeLost", _DOOMED, _DOOMED_GROUP)
    depth = run.probe.depth().queue
    if depth == 0:
        raise Inconclusive(
            "the queue is empty before the crash", hint="is another worker running? end it, then try again"
        )
    yield Measured("acknowledged_at_risk", "acknowledged, only in Redis", len(doomed), "products")
    yield Measured("queue_size", "queue size before the crash", depth)
    let_viewers_see(run.api_url)


def _crash(run: Run, injector: Injector, crash: Crash) -> Play[None]:
    if crash == "flushall":
        yield Step("Redis loses its memory: FLUSHALL", redis_cli(run.lab.urls()["redis"], "FLUSHALL"))
        injected = yield from injector.inject_surely(_FLUSHALL)
        yield Narrated(
            "FLUSHALL empties Redis at one stroke. It stands in for a crash, though the process lives on."
        )
    else:
        commands = [labctl_for(run.lab.name, f"fault {verb} redis") for verb in ("kill", "start")]
        yield Step("Redis is killed and starts without its memory", "\n".join(commands))
        injected = yield from injector.inject_surely(_KILL)
        yield from injector.inject_surely(_START)
        yield Narrated(
            "SIGKILL is a crash of the process, not a power loss: the machine's page cache survives it. "
            "This Redis keeps nothing on disk, so everything was in its memory."
        )
    memory = injected.before.memory if injected.before is not None else None
    if memory is None or not memory.unwritten:
        raise Inconclusive(
            "nothing was in Redis alone", hint="is another worker running? end it, then try again"
        )
    # Redis also held the settings that were changed live.
    yield from remember(run.lab)
    yield Measured("queue_size_after", "queue size after the crash", run.probe.depth().queue)


def _check(verdict: Verdict) -> Generator[Event, None, None]:
    doomed = tuple((write.product, write.label, write.fate) for write in _judged(verdict, _DOOMED_GROUP))
    yield TableShown("doomed", _DOOMED_GROUP, ("product", "name", "verdict"), doomed)
    for group, fate in ((_SAFE_GROUP, "persisted"), (_DOOMED_GROUP, "lost")):
        writes = _judged(verdict, group)
        as_predicted = sum(write.fate == fate for write in writes)
        undetermined = any(write.fate == "undetermined" for write in writes)
        yield Checked(
            f"of those {group}, all are {fate}",
            f"{len(writes)} {fate}",
            f"{as_predicted} {fate}",
            passed=None if undetermined else bool(writes) and as_predicted == len(writes),
        )
    yield Measured("lost_writes", "lost writes", verdict.fates["lost"], "writes")
    yield Measured(
        "lost_products", "products whose last value is lost", len(verdict.lost_products), "products"
    )


def _first_lost(verdict: Verdict) -> str:
    """The first lost product that the table shows."""
    products = (write.product for write in _judged(verdict, _DOOMED_GROUP))
    return next((each for each in products if each in verdict.lost_products), verdict.lost_products[0])


def _judged(verdict: Verdict, group: str) -> list[Judged]:
    return [write for write in verdict.judged if write.group == group]


SCENARIO: Final = Scenario(
    name="data-loss",
    title="Data loss",
    summary="Writes are acknowledged before they are in PostgreSQL. When Redis loses its memory, the writes "
    "still in its queue are gone, although every client was told that its write was taken.",
    steps=6,
    options=(CRASH,),
    play=play,
)
