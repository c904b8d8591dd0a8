"""The cells of an experiment: the cross product of what it compares, without the cells that make no sense."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Final

from scenarios.experiment.design import NO_FAULT, Design, faults_of
from service.writebehind.settings import WritePolicy

#: What decides how writes wait in the queue and leave it. Writes that are written through do not wait there.
_OF_THE_QUEUE: Final = frozenset(
    {
        "WRITE_COALESCING_ENABLED",
        "COALESCING_WINDOW_MS",
        "FLUSH_INTERVAL_MS",
        "BATCH_SIZE",
        "MAX_RETRIES",
        "RETRY_DELAY_MS",
        "MAX_PENDING",
        "OVERFLOW_POLICY",
        "SIMULATE_DB_FAILURE",
        "FAILURE_RATE",
        "LEASE_MS",
    }
)
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_SHORT: Final[Mapping[str, str]] = {
    "COALESCING_WINDOW_MS": "window {} ms",
    "FLUSH_INTERVAL_MS": "flush interval {} ms",
    "WRITE_COALESCING_ENABLED": "coalescing {}",
    "BATCH_SIZE": "batch {}",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination. What does not matter in it is left out."""

    policy: WritePolicy
    settings: tuple[tuple[str, str], ...]
    #: `NO_FAULT` for none.
    fault: str

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the cell's lab."""
        return {"WRITE_POLICY": self.policy, **dict(self.settings)}

    @property
    def faults(self) -> tuple[str, ...]:
        """What breaks in each trial."""
        return faults_of(self.fault)

    def label(self, design: Design) -> str:
        """What tells the cell from the others of its design: "write-behind, window 500 ms"."""
        policy = self.policy.replace("_", "-")
        parts = [policy] if len(design.policies) > 1 else []
        parts += [
            _SHORT.get(name, f"{name}={{}}").format(value)
            for name, value in self.settings
            if len(design.settings[name]) > 1
        ]
        if len(design.faults) > 1:
            parts.append("no fault" if self.fault == NO_FAULT else self.fault)
        return ", ".join(parts) or policy


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells, in the order in which they are shown."""

    cells: tuple[Cell, ...]
    #: One sentence for each setting that does not matter somewhere.
    dropped: tuple[str, ...]


def grid(design: Design) -> Grid:
    """The cells of a design. Combinations that differ only in what does not matter are one cell."""
    cells: dict[Cell, None] = {}
    reasons: dict[str, None] = {}
    for policy, fault in product(design.policies, design.faults):
        for values in product(*design.settings.values()):
            settings = dict(zip(design.settings, values, strict=True))
            idle = _idle(policy, settings)
            cell = Cell(policy, tuple((n, v) for n, v in settings.items() if n not in idle), fault)
            cells[cell] = None
            reasons.update(dict.fromkeys(why for name, why in idle.items() if len(design.settings[name]) > 1))
    return Grid(tuple(cells), tuple(reasons))


def _idle(policy: WritePolicy, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings that do not matter beside the others, each with a sentence that says why."""
    if policy == "write_through":
        return {
            name: f"{name} is not varied for write_through: its writes do not wait in the queue."
            for name in settings
            if name in _OF_THE_QUEUE
        }
    coalescing = settings.get("WRITE_COALESCING_ENABLED", "true").strip().lower() in _TRUE
    name = "FLUSH_INTERVAL_MS" if coalescing else "COALESCING_WINDOW_MS"
    state = "with" if coalescing else "without"
    if name not in settings:
        return {}
    return {name: f"{name} is not varied {state} coalescing: it has no effect there."}


def shuffled(cells: tuple[Cell, ...], seed: int, number: int) -> Iterator[Cell]:
    """The cells in the order in which round `number` tries them.

    Each round tries each cell once, so that a machine that slows down, or a disk that fills, meets all alike.
    """
    order = list(cells)
    Random(f"{seed}/{number}").shuffle(order)
    yield from order
