"""A write-behind cache that crashes, in whole steps of time, watched by the real trackers; and the truth."""

from dataclasses import dataclass, field
from typing import Literal

from hypothesis import strategies as st

from scenarios.judge.final_read import Findings, StoredValue
from scenarios.judge.history import History
from scenarios.judge.ledger import Ledger, Write
from scenarios.watch.redis_memory import MemoryWatch
from scenarios.watch.row_tracker import RowTracker
from service.writebehind.keys import Clock
from tests.unit.scenarios.histories import value

#: Versions up to this one are from before the run.
SINCE = 5
PRODUCTS = ("a", "b")
#: Steps by which a write may be sent before it takes effect, and answered after that.
_SLACK = st.sampled_from([0.0, 1.0, 3.0])


@dataclass(frozen=True, slots=True)
class Step:
    kind: Literal["write", "flush", "crash", "poll"]
    product: str = "a"
    before: float = 0.0
    after: float = 0.0
    answered: bool = True


steps = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from(["write", "write", "flush", "crash", "poll"]),
        product=st.sampled_from(PRODUCTS),
        before=_SLACK,
        after=_SLACK,
        answered=st.sampled_from([True, True, True, False]),
    ),
    max_size=25,
)


@dataclass(slots=True)
class Run:
    """One run. `watched`: the rows are looked at right after every crash, when all answers have come."""

    watched: bool
    now: float = 10.0
    ledger: Ledger = field(default_factory=Ledger)
    rows: dict[str, StoredValue] = field(
        default_factory=lambda: {p: StoredValue(version=1, value=None) for p in PRODUCTS}
    )
    pending: dict[str, StoredValue] = field(default_factory=dict)
    memory: MemoryWatch = field(default_factory=MemoryWatch)
    tracker: RowTracker = field(init=False)
    #: Of the memory that is there; None until it takes a write.
    epoch: int | None = None
    #: Writes that were sent, and when each will be answered.
    under_way: list[Write] = field(default_factory=list)
    #: The truth: versions that only Redis held at a crash.
    exposed: set[int] = field(default_factory=set)
    #: Versions that the memory that is there took.
    taken: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tracker = RowTracker(self.ledger)

    def play(self, script: list[Step]) -> None:
        self.look()
        for step in script:
            self.pass_time(1)
            if step.kind == "write":
                self.write(step)
            elif step.kind == "flush" and step.product in self.pending:
                self.rows[step.product] = self.pending.pop(step.product)
            elif step.kind == "crash":
                self.crash()
            elif step.kind == "poll":
                self.poll()
            self.look()
        self.pass_time(5)
        self.poll()

    def write(self, step: Step) -> None:
        version = round(self.now * 10)
        self.epoch = self.epoch or version
        held = StoredValue(version=version, value=value(f"{step.product}@{version}"))
        self.pending[step.product] = held
        self.taken[version] = step.product
        self.under_way.append(
            Write(
                product=step.product,
                operation="update",
                value=held.value,
                answer="acknowledged" if step.answered else "unknown",
                version=version if step.answered else None,
                sent_at=self.now - step.before,
                finished_at=self.now + step.after,
            )
        )

    def crash(self) -> None:
        self.exposed |= {
            version for version, product in self.taken.items() if self.rows[product].version < version
        }
        self.pending, self.taken, self.epoch = {}, {}, None
        self.look()
        if self.watched:
            self.pass_time(5)
            self.poll()

    def look(self) -> None:
        clock = Clock(round(self.now * 10), round(self.now * 10), self.epoch) if self.epoch else None
        self.memory.found(self.now, self.now, clock)

    def poll(self) -> None:
        asked = self.tracker.ask()
        found = {p: self.rows[p].version for p, seen in asked.items() if self.rows[p].version > seen}
        self.tracker.take(self.now, self.now, found)

    def pass_time(self, ticks: int) -> None:
        for _ in range(ticks):
            self.now += 1
            for write in [write for write in self.under_way if write.finished_at <= self.now]:
                self.under_way.remove(write)
                self.ledger.record(write)

    @property
    def history(self) -> History:
        return History(
            writes=self.ledger.writes, sightings=self.tracker.sightings, losses=tuple(self.memory.losses)
        )

    @property
    def findings(self) -> Findings:
        pending = {product: [held] for product, held in self.pending.items()}
        return Findings(rows=self.rows, pending=pending, since=SINCE)


def played(script: list[Step], *, watched: bool) -> Run:
    run = Run(watched)
    run.play(script)
    return run
