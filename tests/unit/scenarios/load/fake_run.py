"""A lab whose API is scripted and whose databases are plain fields."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import cast

from scenarios.early_end import EarlyEnd
from scenarios.events import Event
from scenarios.journal.judgement import OnJudged
from scenarios.judge.final_read import PARTS, Findings, StoredValue
from scenarios.judge.history import History
from scenarios.judge.ledger import Ledger
from scenarios.judge.verdict import Verdict
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.settle import Depth, Settled
from stack.errors import NotRunning
from stack.spec.hints import labctl
from tests.unit.scenarios.in_memory import judging_in_memory
from tests.unit.scenarios.load.scripted_server import ScriptedServer


def keeps_all(ledger: Ledger) -> Findings:
    """Every product's newest acknowledged write is its row."""
    rows: dict[str, StoredValue] = {}
    for write in ledger.writes:
        if write.answer != "acknowledged":
            continue
        product, version = write.product or "", write.version or 0
        if product not in rows or rows[product].version < version:
            rows[product] = StoredValue(version=version, value=write.value)
    return Findings(rows=rows)


@dataclass(slots=True)
class FakeProbe:
    #: The totals at each reading, in order; the last one repeats.
    totals_seen: list[dict[str, int]] = field(default_factory=lambda: [{}])
    settles: bool = True
    begun: int = 0
    #: Whether Redis and PostgreSQL stop answering once the load has begun.
    away: bool = False
    find: Callable[[Ledger], Findings] = keeps_all
    queue: int = 3
    looks: int = 0

    def begin(self) -> None:
        self.begun += 1

    def depth(self) -> Depth:
        self._reach()
        return Depth(queue=self.queue, inflight=0, retrying=0, dead_letters=0, backlog=0)

    def totals(self) -> dict[str, int]:
        if self.looks:
            self._reach()
        self.looks += 1
        return self.totals_seen[min(self.looks, len(self.totals_seen)) - 1]

    def settle(self, seconds: float) -> Generator[Event, None, Settled]:
        self._reach()
        yield from ()
        return Settled(self.settles)

    def _reach(self) -> None:
        if self.away:
            raise NotRunning("Redis does not answer", hint=f"{labctl('up')} repairs it")


def final_read(probe: FakeProbe, ledger: Ledger) -> Findings:
    """What is found in the end."""
    if probe.away:
        return Findings(unread=dict.fromkeys(PARTS, "Redis does not answer"))
    return probe.find(ledger)


class FakeLab:
    name = "lab42"

    def urls(self) -> dict[str, str]:
        return {"postgres": "postgresql://somewhere/labdb"}


class FakeRun:
    """A context manager, like the real one."""

    def __init__(self, server: ScriptedServer, probe: FakeProbe | None = None) -> None:
        self.lab = FakeLab()
        self.early_end = EarlyEnd()
        self.api_url = server.url
        self.api_port = server.address[1]
        self.ledger = Ledger()
        self.client = Client(server.url, self.ledger)
        self.tracer = None
        self.probe = probe or FakeProbe()

    def judging(self, on_judged: OnJudged | None = None) -> Generator[Event, None, Verdict]:
        history = History(writes=self.ledger.writes)
        return judging_in_memory(history, final_read(self.probe, self.ledger), on_judged)

    def __enter__(self) -> Run:
        return cast("Run", self)

    def __exit__(self, *_: object) -> None:
        self.client.__exit__(None, None, None)
