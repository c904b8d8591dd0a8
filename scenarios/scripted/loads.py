"""The load that a step names."""

from scenarios.catalogue import find, load_name
from scenarios.options import Options
from scenarios.scenario import Scenario
from scenarios.scripted.script import Load


def choose_load(part: Load) -> tuple[Scenario, Options]:
    """The load, and its options.

    Raises:
        UsageError: it does not take them.
    """
    scenario = find(load_name(part.kind))
    return scenario, scenario.parse(
        {
            "duration": part.duration,
            "rate": part.rate,
            "writes_per_second": part.writes_per_second,
            "clients": part.clients,
            "mix": part.mix,
            "keys": part.keys,
            "policy": part.policy,
            "fault": part.fault or None,
        }
    )
