"""The scenarios by name. A scenario's module is imported only when it is chosen: help must be quick."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from stack.errors import UsageError

if TYPE_CHECKING:
    from scenarios.options import Options
    from scenarios.scenario import Scenario

Engine = Literal["labctl", "k6"]

#: Name → summary, in the order in which a class would watch them. The demo `data-loss` is `SCENARIO` in
#: scenarios/demos/data_loss.py.
DEMOS: Final[Mapping[str, str]] = {
    "basics": "one write, from its acknowledgement to its row",
    "latency": "how long clients wait for write-behind and for write-through, and what the answer is worth",
    "coalescing": "20 concurrent updates of one product become one or two database writes",
    "data-loss": "exactly which acknowledged writes a crash of Redis loses",
    "retries": "failing database writes are retried, set aside as dead letters, and put back",
    "database-state": "what PostgreSQL holds, and whether anything is still on its way",
}
#: The loads of each engine, by kind.
LOADS: Final[Mapping[Engine, tuple[str, ...]]] = {
    "labctl": ("basic", "coalescing", "quick"),
    "k6": ("basic", "coalescing"),
}
#: Where the loads are: `LOADS`, by name.
_LOAD_MODULES: Final[Mapping[Engine, str]] = {
    "labctl": "scenarios.load.scenario",
    "k6": "scenarios.load.k6_scenario",
}


def load_name(kind: str, engine: Engine = "labctl") -> str:
    """The name of the scenario: `load-basic`, `k6-basic`."""
    return f"{'load' if engine == 'labctl' else engine}-{kind}"


def find(name: str) -> "Scenario":
    """The scenario of that name.

    Raises:
        UsageError: there is none.
    """
    if name in DEMOS:
        scenario: Scenario = import_module(f"scenarios.demos.{name.replace('-', '_')}").SCENARIO
        return scenario
    engines = {load_name(kind, engine): engine for engine, kinds in LOADS.items() for kind in kinds}
    if name not in engines:
        raise UsageError(
            f"there is no scenario {name!r}", hint=f"choose one of {', '.join([*DEMOS, *engines])}"
        )
    loads: Mapping[str, Scenario] = import_module(_LOAD_MODULES[engines[name]]).LOADS
    return loads[name]


def choose(name: str, values: Mapping[str, Any]) -> "tuple[Scenario, Options]":
    """The scenario of that name, and the options of one run of it; needs no lab.

    Args:
        values: What the user chose, by option; None: nothing.

    Raises:
        UsageError: there is no such scenario, or it does not take an option, or not that value.
    """
    scenario = find(name)
    return scenario, scenario.parse(values)
