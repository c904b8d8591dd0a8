"""Event lists as scenarios yield them, for renderers and commands that must not need a running lab."""

from scenarios.events import (
    Checked,
    Event,
    FaultInjected,
    LoadSampled,
    Measured,
    Narrated,
    Proof,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    TableShown,
    VerdictReached,
)
from scenarios.judge.checks.fates import Judged
from scenarios.judge.checks.result import Result
from scenarios.judge.verdict import Verdict
from stack.spec.events import Advanced, ServiceChanged, StackNoted

VERDICT = Verdict(
    validity="valid",
    reasons=(),
    acknowledged=15,
    refused=1,
    unknown=2,
    fates={"persisted": 9, "superseded": 1, "dead_lettered": 0, "pending": 0, "lost": 5, "undetermined": 0},
    judged=(
        Judged(product="p-1", version=7, group="queued at the crash", label="WillBeLost-1", fate="lost"),
    ),
    lost_products=("p-1", "p-2", "p-3", "p-4", "p-5"),
    crashes=(),
    checks={"recovered": Result(evidence=("p-9",))},
)

SAMPLE = LoadSampled(
    elapsed=12.0,
    duration=30.0,
    phase="hold",
    requests=12_345,
    requests_per_second=1_234.5,
    errors=0,
    p50_ms=1.234,
    p95_ms=4.5,
    p99_ms=12.34,
    queue_size=321,
    coalesced=4_567,
    flush_rate=890.0,
)

COMMAND = (
    "curl -s -X POST http://127.0.0.1:8000/products -H 'Content-Type: application/json' "
    '-d \'{"name": "WillBeLost-1", "price": 99.99, "quantity": 1}\'\n'
    "psql -U labuser -d labdb -c \"SELECT id, name FROM products WHERE name LIKE 'WillBeLost-%';\""
)

DATA_LOSS: tuple[Event, ...] = (
    ScenarioStarted("data-loss", "Acknowledged is not saved", "Ten products are saved. Five are not.", 2),
    StepStarted(1, "Take five more, with the worker stopped", COMMAND),
    ServiceChanged("worker", "stopping"),
    ServiceChanged("worker", "stopped"),
    StackNoted("the queue is kept in Redis"),
    Advanced("created", 2, 5),
    Advanced("created", 5, 5),
    Narrated("Five products were acknowledged: the client was told that all is well."),
    Narrated("Nothing but Redis knows them so far.", "matters"),
    Measured("queue", "queue size", 5, "writes"),
    StepStarted(2, "Restart the worker"),
    ServiceChanged("worker", "healthy", "0.4 s"),
    TableShown("products", "The five products", ("product", "fate"), (("p-1", "lost"), ("p-2", "lost"))),
    Checked("exactly the queued writes are lost", "5", "5", True),
    Checked("none of the saved ones is lost", "0", "1", False),
    VerdictReached(VERDICT),
    ScenarioFinished("data-loss", "unexpected", "One saved product is gone, too.", 3.21),
)

#: Took effect.
KILLED = FaultInjected(
    "redis:kill@5s",
    5.1,
    (Proof("process", "pid 12", "gone"), Proof("entries in Redis alone", "212", "212")),
    bit=True,
)
