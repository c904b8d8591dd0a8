"""What the type checker can't see through the catalogue's lazy imports: every scenario is one."""

import pytest

from scenarios.catalogue import demos, find
from scenarios.demos.basics import BASICS
from scenarios.demos.coalescing import COALESCING
from scenarios.demos.data_loss import DATA_LOSS
from scenarios.demos.database_state import DATABASE_STATE
from scenarios.demos.latency import LATENCY
from scenarios.demos.retries import RETRIES
from scenarios.load import k6_scenario as k6
from scenarios.load import scenario as load
from scenarios.scenario import Options, Scenario
from stack.errors import UsageError

DEMOS: tuple[Scenario, ...] = (BASICS, LATENCY, COALESCING, DATA_LOSS, RETRIES, DATABASE_STATE)
LOADS: tuple[Scenario, ...] = (load.QUICK, load.COALESCING, load.BASIC, k6.COALESCING, k6.BASIC)


def test_the_catalogue_lists_every_demo() -> None:
    assert [scenario.name for scenario in DEMOS] == list(demos())


@pytest.mark.parametrize("scenario", [*DEMOS, *LOADS], ids=lambda scenario: scenario.name)
def test_a_scenario_is_found_by_its_own_name(scenario: Scenario) -> None:
    assert find(scenario.name) is scenario


@pytest.mark.parametrize("scenario", DEMOS, ids=lambda scenario: scenario.name)
def test_a_demo_takes_no_load_option(scenario: Scenario) -> None:
    scenario.check(Options(crash="kill"))
    with pytest.raises(UsageError, match=rf"{scenario.name} has no --rate"):
        scenario.check(Options(rate=5))
