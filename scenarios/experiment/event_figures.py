"""What the events of a load say of it."""

from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Final

from scenarios.events import Event, Measured, VerdictReached
from scenarios.experiment.lab_trials import Measurement
from scenarios.options import Options
from scenarios.runner import run_scenario
from scenarios.scenario import Scenario
from stack.lab import Lab

#: By the key of `Measured`, the figure's name here.
_NAMES: Final[Mapping[str, str]] = {
    "p50_ms": "p50",
    "p99_ms": "p99",
    "persist_lag_p50_ms": "persist_lag_p50",
    "persist_lag_p99_ms": "persist_lag_p99",
    "persist_lag_max_ms": "persist_lag_max",
    "throughput": "writes_per_second",
}


def recorded(lab: Lab, scenario: Scenario, options: Options) -> Generator[Event, None, Measurement]:
    """Run a load, and gather its figures from what it reports."""
    figures: dict[str, float] = {}
    with closing(run_scenario(lab, scenario, options)) as events:
        for event in events:
            match event:
                case Measured(key, _, int() | float() as value) if key in _NAMES:
                    figures[_NAMES[key]] = float(value)
                case VerdictReached(verdict):
                    figures["lost"] = verdict.fates["lost"]
                    figures["acknowledged"] = verdict.acknowledged
                case _:
                    pass
            yield event
    return Measurement("", figures)
