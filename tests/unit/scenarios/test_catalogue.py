import subprocess
import sys

import pytest

from scenarios.catalogue import demos, find
from stack.errors import UsageError

LOADS = ("load-quick", "load-coalescing", "load-basic")


def test_every_demo_has_a_summary() -> None:
    assert {"coalescing", "data-loss"} <= set(demos())
    assert all(demos().values())


@pytest.mark.parametrize("name", [*demos(), *LOADS])
def test_every_name_leads_to_a_scenario_of_that_name(name: str) -> None:
    scenario = find(name)
    assert scenario.name == name
    assert scenario.title
    assert scenario.summary
    assert scenario.steps > 0


@pytest.mark.parametrize("name", ["", "Coalescing", "chaos", "load"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=repr(name)) as error:
        find(name)
    for known in [*demos(), *LOADS]:
        assert known in error.value.hint


def test_naming_the_demos_loads_nothing_heavy() -> None:
    """`labctl --help` lists them."""
    heavy = {"httpx", "psycopg", "redis", "docker", "hdrh"}
    program = "import sys, scenarios.catalogue as c; c.demos(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not heavy & set(loaded.stdout.split())
