"""The list of commands, and the commands themselves."""

import subprocess
import sys

import pytest
import typer

from labctl.app import Commands
from labctl.cli.lazy import Entry, load


@pytest.mark.parametrize(("name", "entry"), Commands.entries.items())
def test_the_list_says_what_the_command_says_of_itself(name: str, entry: Entry) -> None:
    command = load(name, entry)
    assert command.name == name
    assert (command.help or "").splitlines()[0] == entry.summary


def test_every_command_of_every_module_is_listed() -> None:
    modules = {entry.module: load(name, entry) for name, entry in Commands.entries.items()}
    loaded = {
        name
        for module in modules
        for name in typer.main.get_group(sys.modules[f"labctl.commands.{module}"].app).commands
    }
    assert loaded == set(Commands.entries)


def test_help_imports_no_command() -> None:
    script = (
        "import sys; from labctl.__main__ import main; code = main(['--help']); "
        "sys.exit(code or ','.join(name for name in sys.modules if name.startswith('labctl.commands.')) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Start the lab" in done.stdout


def test_a_misspelt_command_gets_a_suggestion() -> None:
    script = "import sys; from labctl.__main__ import main; sys.exit(main(['statsu']))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Did you mean 'status'?" in done.stderr


def test_a_demo_that_is_named_does_not_load_the_reader_of_scenarios() -> None:
    program = "import sys, labctl.commands.demo; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"yaml", "scenarios.scripted.reader"} & set(loaded.stdout.split())
