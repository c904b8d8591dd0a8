"""Random runs of a write-behind cache that keeps its word, with the truth about each write beside them."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import strategies as st

from scenarios.judge.checks.fates import Class
from scenarios.judge.final_read import Findings, StoredValue
from scenarios.judge.ledger import Answer, Write
from tests.unit.scenarios.histories import value

#: Versions up to this one are from before the run.
SINCE = 100
#: Fate of a write → its answer. "unknown" was accepted without an answer; "dropped" was not accepted.
_ANSWERS: dict[str, Answer] = {
    "acknowledged": "acknowledged",
    "deleted": "acknowledged",
    "refused": "refused",
    "unknown": "unknown",
    "dropped": "unknown",
}
_TAILS: tuple[Class, ...] = ("dead_lettered", "pending", "lost")


@dataclass(slots=True)
class World:
    """A run: its ledger, its findings, and the verdict that is expected."""

    writes: list[Write] = field(default_factory=list)
    fates: Counter[Class] = field(default_factory=Counter)
    lost_products: set[str] = field(default_factory=set)
    rows: dict[str, StoredValue] = field(default_factory=dict)
    dead_letters: dict[str, list[StoredValue]] = field(default_factory=dict)
    pending: dict[str, list[StoredValue]] = field(default_factory=dict)
    cached: dict[str, StoredValue] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def findings(self) -> Findings:
        return Findings(
            rows=self.rows,
            dead_letters=self.dead_letters,
            pending=self.pending,
            cached=self.cached,
            seen=self.seen,
            since=SINCE,
        )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Products that were updated, deleted, refused; each persisted up to some write of its own, and with
    one fate for what came after that."""
    world = World()
    for product in draw(st.lists(st.sampled_from("abcd"), unique=True)):
        _live(draw, world, product)
    world.writes = draw(st.permutations(world.writes))
    return world


def _live(draw: st.DrawFn, world: World, product: str) -> None:
    """One product's life: version 50 is the row from before the run."""
    history: dict[int, StoredValue] = {50: StoredValue(version=50, value=value(f"{product}@50"))}
    answers: dict[int, str] = {50: "before"}
    steps = draw(st.lists(st.sampled_from(sorted(_ANSWERS)), max_size=8))
    for version, step in enumerate(steps, SINCE + 1):
        new = None if step == "deleted" else value(f"{product}@{version}")
        answer = _ANSWERS[step]
        world.writes.append(
            Write(
                product=product,
                operation="delete" if step == "deleted" else "update",
                value=new,
                answer=answer,
                version=version if answer == "acknowledged" else None,
            )
        )
        if step in ("acknowledged", "deleted", "unknown"):
            history[version] = StoredValue(version=version, value=new)
            answers[version] = answer
    persisted = draw(st.sampled_from(sorted(history)))
    world.rows[product] = history[persisted]
    world.seen[product] = draw(st.sampled_from([v for v in sorted(history) if v <= persisted]))
    tail = draw(st.sampled_from(_TAILS))
    newest = max(history)
    if newest > persisted and tail != "lost":
        held = world.dead_letters if tail == "dead_lettered" else world.pending
        held[product] = [history[newest]]
    waits = newest > persisted and tail == "pending"
    if draw(st.booleans()):
        world.cached[product] = history[newest if waits else persisted]
    _tell(world, product, answers, persisted, tail)


def _tell(world: World, product: str, answers: dict[int, str], persisted: int, tail: Class) -> None:
    """The truth about one product's acknowledged writes."""
    acknowledged = [version for version, answer in answers.items() if answer == "acknowledged"]
    for version in acknowledged:
        if version < persisted:
            world.fates["superseded"] += 1
        else:
            world.fates["persisted" if version == persisted else tail] += 1
    if acknowledged and max(acknowledged) > persisted and tail == "lost":
        world.lost_products.add(product)
