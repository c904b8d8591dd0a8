import subprocess
import sys

import pytest

from scenarios.catalogue import DEMOS, LOADS, choose, find, load_name
from stack.errors import UsageError

LOAD_NAMES = [load_name(kind, engine) for engine, kinds in LOADS.items() for kind in kinds]
NAMES = [*DEMOS, *LOAD_NAMES]


def test_every_demo_has_a_summary() -> None:
    assert {"coalescing", "data-loss"} <= set(DEMOS)
    assert all(DEMOS.values())


@pytest.mark.parametrize("name", NAMES)
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
    for known in NAMES:
        assert known in error.value.hint


@pytest.mark.parametrize("name", NAMES)
def test_a_load_repairs_nothing_and_a_demo_needs_a_lab_that_works(name: str) -> None:
    scenario = find(name)
    assert scenario.repair == (name in DEMOS)
    assert scenario.command.split()[0] == ("demo" if name in DEMOS else "load")


def test_the_command_that_runs_a_scenario() -> None:
    commands = [find(name).command for name in ("data-loss", "load-quick", "k6-basic")]
    assert commands == ["demo data-loss", "load quick", "load basic --engine k6"]


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_takes_no_load_option(name: str) -> None:
    with pytest.raises(UsageError, match=f"`demo {name}` has no --rate"):
        choose(name, {"rate": 5})


def test_only_the_data_loss_demo_crashes_redis() -> None:
    _, options = choose("data-loss", {"crash": "kill"})
    assert options.crash == "kill"
    with pytest.raises(UsageError, match="`demo basics` has no --crash"):
        choose("basics", {"crash": "kill"})


def test_the_loads_have_their_own_defaults_and_limits() -> None:
    assert choose("load-basic", {})[1].duration == 120
    assert choose("load-coalescing", {"duration": 0.1, "rate": 1.0, "clients": 1})[1].duration == 0.1
    assert choose("k6-basic", {"duration": 1.0})[1].duration == 1
    for name, values, message in [
        ("load-quick", {"duration": 5.0}, "`load quick` has no --duration: it ends after 50 writes"),
        ("load-quick", {"rate": 0.001}, "--rate can't be 0.001"),
        ("k6-basic", {"duration": 0.5}, "--duration can't be 0.5"),
        ("k6-coalescing", {"rate": 10.0}, "has no --rate: each user of k6's scripts waits"),
    ]:
        with pytest.raises(UsageError, match=message) as error:
            choose(name, values)
        assert error.value.hint


def test_naming_the_demos_loads_nothing_heavy() -> None:
    """`labctl --help` lists them."""
    heavy = {"httpx", "psycopg", "redis", "docker", "hdrh"}
    program = "import sys, scenarios.catalogue as c; print(*c.DEMOS); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not heavy & set(loaded.stdout.split())
