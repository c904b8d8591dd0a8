"""The demos' shell scripts. That they do what the demos do is shown by tests/integration/test_export.py."""

from importlib.resources import files

import pytest

from scenarios.catalogue import DEMOS, find
from scenarios.export.script import SCRIPTS, Script, script_of
from scenarios.options import Crash, Options
from service.writebehind import keys


def _script(name: str, *chosen: str, crash: Crash = "flushall") -> Script:
    scenario = find(name)
    return script_of(name, scenario.title, [*scenario.command.split(), *chosen], Options(crash=crash))


def test_every_demo_has_a_script() -> None:
    assert set(DEMOS) <= set(SCRIPTS)


@pytest.mark.parametrize("name", [*DEMOS, "load-basic", "load-coalescing", "load-quick", "k6-basic"])
def test_a_script_has_the_steps_of_its_scenario(name: str) -> None:
    assert len(_script(name).steps) == find(name).steps


def test_an_option_chooses_a_step() -> None:
    flushed, killed = _script("data-loss").steps[3], _script("data-loss", crash="kill").steps[3]
    assert "redis-cli FLUSHALL" in flushed.commands
    assert "fault kill redis" in killed.commands


def test_a_load_is_one_command_of_labctl_with_its_options() -> None:
    first, *_ = _script("load-basic", "--clients", "5").steps
    assert first.title == find("load-basic").title
    assert first.commands == 'labctl --name "$LAB" load basic --clients 5\n'


def test_the_quick_load_is_a_loop_of_curl_unless_options_were_chosen() -> None:
    assert "curl" in _script("load-quick").steps[0].commands
    assert "load quick --rate 10" in _script("load-quick", "--rate", "10").steps[0].commands


def test_options_are_quoted() -> None:
    first, *_ = _script("load-basic", "--clients", "5; rm -rf /").steps
    assert first.commands.endswith(" --clients '5; rm -rf /'\n")


def test_no_mark_is_left() -> None:
    for name in (*SCRIPTS, "load-basic"):
        script = _script(name, crash="kill")
        text = "".join([*(step.commands for step in script.steps), script.cleanup])
        assert "#@" not in text
        assert "@COMMAND@" not in text


def test_the_keys_are_those_of_the_service() -> None:
    folder = files("scenarios.export") / "scripts"
    text = "".join((folder / f"{name}.sh").read_text() for name in SCRIPTS)
    named = {word.strip('")') for word in text.split() if word.startswith("write_behind:")}
    assert named == {keys.DLQ}
