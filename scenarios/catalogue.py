"""The scenarios by name. Nothing heavy is imported before one is chosen: help must be quick."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

from stack.errors import UsageError

if TYPE_CHECKING:
    from scenarios.scenario import Scenario

#: Name → (summary, module, the scenario in it), in the order in which a class would watch them.
_DEMOS: Final = {
    "basics": (
        "one write, from its acknowledgement to its row",
        "scenarios.demos.basics",
        "BASICS",
    ),
    "latency": (
        "what a client waits for behind the cache and through it, and what its answer is worth",
        "scenarios.demos.latency",
        "LATENCY",
    ),
    "coalescing": (
        "20 concurrent updates of one product become one or two database writes",
        "scenarios.demos.coalescing",
        "COALESCING",
    ),
    "data-loss": (
        "which acknowledged writes a crash of Redis loses, exactly",
        "scenarios.demos.data_loss",
        "DATA_LOSS",
    ),
    "retries": (
        "failing database writes are retried, set aside as dead letters, and put back",
        "scenarios.demos.retries",
        "RETRIES",
    ),
    "database-state": (
        "what PostgreSQL holds, and whether anything is still on its way",
        "scenarios.demos.database_state",
        "DATABASE_STATE",
    ),
}
_LOADS: Final = {
    "load-quick": ("50 rapid writes", "scenarios.load.scenario", "QUICK"),
    "load-coalescing": ("one hot product, updated without end", "scenarios.load.scenario", "COALESCING"),
    "k6-coalescing": (
        "one hot product, updated by k6",
        "scenarios.load.k6_scenario",
        "COALESCING",
    ),
    "k6-basic": ("the mix of reads and writes, by k6", "scenarios.load.k6_scenario", "BASIC"),
    "load-basic": ("30 % creates, 30 % reads, 40 % updates", "scenarios.load.scenario", "BASIC"),
}


def demos() -> Mapping[str, str]:
    """Name and summary of every demo."""
    return {name: summary for name, (summary, _, _) in _DEMOS.items()}


def find(name: str) -> "Scenario":
    """The scenario of that name.

    Raises:
        UsageError: there is none.
    """
    known = {**_DEMOS, **_LOADS}
    if name not in known:
        raise UsageError(f"there is no scenario {name!r}", hint=f"choose one of {', '.join(known)}")
    _, module, attribute = known[name]
    scenario: Scenario = getattr(import_module(module), attribute)
    return scenario
