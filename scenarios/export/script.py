"""What a scenario does, as shell commands. They come from the files in `scripts`, one for each scenario.

A line `#@ TITLE` begins a step. `#@ TITLE @if crash=kill` begins one that is part of the script only if that
option has that value. `#@ cleanup` begins what puts the lab in order again after a step that failed. The line
`#@flushed` stands for the wait until everything is flushed, `@COMMAND@` for the command of labctl that runs
the scenario, and `@TITLE@` for the scenario's title.

The commands use three variables: `LAB`, the lab's name; `API_URL`; and `STARTED`, when the script began by
the clock of PostgreSQL. Beyond these, steps share only what they export: a notebook runs each step in a shell
of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from shlex import join
from typing import Final

from scenarios.options import Options

#: The scenarios with a script of their own. What starts with one command of labctl shares `load`.
SCRIPTS: Final = ("basics", "latency", "coalescing", "data-loss", "retries", "database-state", "load-quick")
_LOAD: Final = "load"
_STEP: Final = re.compile(r"^#@ (?P<title>.+?)(?: @if (?P<word>\S+))?\n", re.MULTILINE)
_CLEANUP: Final = "cleanup"
_FLUSHED: Final = "#@flushed\n"


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """A step of a scenario, as commands."""

    #: As `StepStarted` has it.
    title: str
    #: Lines of bash, each with its line end.
    commands: str


@dataclass(frozen=True, slots=True)
class Script:
    """A whole scenario, as commands."""

    steps: tuple[ScriptStep, ...]
    #: What puts the lab in order again after a step that failed; empty if nothing has to be.
    cleanup: str = ""


def script_of(scenario: str, title: str, command: Sequence[str], options: Options) -> Script:
    """The scenario's script.

    Args:
        scenario: Its name: "data-loss".
        title: Its title: "Data loss".
        command: What runs it, as words after `labctl`, with the options that were chosen: ["load", "basic",
            "--clients", "5"].
        options: What was chosen, and the defaults of the rest.
    """
    chosen = any(word.startswith("--") for word in command)
    # A load with options is a matter for labctl: a loop of curl keeps no rate.
    own = scenario in SCRIPTS and not (chosen and scenario.startswith("load-"))
    text = _read(scenario if own else _LOAD).replace(_FLUSHED, _read("flushed"))
    _, *parts = _STEP.split(text)
    values = {f"{field.name}={getattr(options, field.name)}" for field in fields(options)}
    steps, cleanup = [], ""
    for name, word, lines in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        commands = f"{lines.strip()}\n".replace("@COMMAND@", join(command))
        if name == _CLEANUP:
            cleanup = commands
        elif word is None or word in values:
            steps.append(ScriptStep(name.replace("@TITLE@", title), commands))
    return Script(tuple(steps), cleanup)


def _read(name: str) -> str:
    return (files("scenarios.export") / "scripts" / f"{name}.sh").read_text(encoding="utf-8")
