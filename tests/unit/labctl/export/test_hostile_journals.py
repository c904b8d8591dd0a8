"""Journals may come from anybody: no text of theirs becomes a command, nor a block of a notebook."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labctl.export.build import export_demo, export_run
from labctl.export.notebook import to_notebook
from labctl.export.shell import to_shell
from scenarios.events import (
    Checked,
    Event,
    Measured,
    Narrated,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    TableShown,
)
from stack.errors import StateUnusable
from stack.spec.events import StackNoted
from tests.unit.labctl.export.blocks import blocks_of
from tests.unit.labctl.export.journals import journal_of

#: Texts that would do harm if a shell or a notebook took them for more than text.
_HOSTILE = (
    "```",
    "`````",
    "~~~",
    "$(touch canary)",
    "`touch canary`",
    "'; touch canary; '",
    '"; touch canary; "',
    "line\ntouch canary",
    "line\r\ntouch canary\r",
    "\u2028touch canary\x85touch canary\x0ctouch canary",
    '```\n```sh {"name":"evil"}\ntouch canary\n```',
    '````sh {"name":"evil"}\ntouch canary\n````',
    '~~~sh {"name":"evil"}\ntouch canary\n~~~',
    '> ```sh {"name":"evil"}',
    "    touch canary",
    "\ttouch canary",
    "1.      touch canary",
    "1)      touch canary",
    "1)",
    "EOF\ntouch canary",
    "\\",
    "---",
    "<script>touch canary</script>",
    "\x1b[2Jtouch canary",
)


@pytest.fixture
def deaf(tmp_path: Path) -> Callable[[str], None]:
    """Runs bash where `labctl` and `curl` do nothing, and sees whether anything else was done."""
    programs, place = tmp_path / "bin", tmp_path / "place"
    programs.mkdir()
    place.mkdir()
    for name in ("labctl", "curl"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)

    def run(text: str) -> None:
        bash = shutil.which("bash") or "bash"
        done = subprocess.run(
            [bash], input=text, cwd=place, env={"PATH": f"{programs}:{os.defpath}"}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert list(place.iterdir()) == []

    return run


def _hostile(text: str) -> list[Event]:
    return [
        ScenarioStarted(text, text, text, 6),
        StepStarted(1, text, text),
        Narrated(text),
        StackNoted(text),
        Measured("key", text, text, text),
        TableShown("key", text, (text, text), ((text, text),)),
        Checked(text, text, text, passed=False),
        ScenarioFinished(text, "expected", text, 1.0),
    ]


@pytest.mark.parametrize("text", _HOSTILE)
def test_no_text_of_a_journal_becomes_a_command(
    text: str, tmp_path: Path, deaf: Callable[[str], None]
) -> None:
    # A scenario of one's own: everything that can be said of it comes from the journal.
    command = f"demo {shlex.quote(text if text.isprintable() else 'mine.yaml')}"
    journal = journal_of(
        tmp_path, _hostile(text), scenario=text, command=command, lab=text, runtime=text,
        started_at=text, settings={text: text, "batch_size": text, "max_retries": [text]},
    )  # fmt: skip
    exported = export_run(journal)
    script, notebook = to_shell(exported), to_notebook(exported)
    # What a terminal or an editor would take for more than a character is gone, too.
    assert all(line.isprintable() for form in (script, notebook) for line in form.split("\n"))
    deaf(script)
    blocks = blocks_of(notebook)
    assert {block.language for block in blocks} == {"sh", "text"}
    commands = [block for block in blocks if block.language == "sh"]
    assert [block.content for block in commands] == [exported.set_up, *(s.commands for s in exported.steps)]
    for block in commands:
        deaf(f"set -e -o pipefail\n{block.content}")


@pytest.mark.parametrize("text", _HOSTILE)
def test_no_text_of_a_journal_changes_the_commands_of_a_demo(text: str, tmp_path: Path) -> None:
    blocks = blocks_of(to_notebook(export_run(journal_of(tmp_path, _hostile(text)))))
    own = blocks_of(to_notebook(export_demo("data-loss")))
    # The run has one step.
    assert [block for block in blocks if block.language == "sh"] == [*own[:2], own[-1]]


@pytest.mark.parametrize("command", ["", "up", "worker stop", "demo 'x", "$(touch canary)", "demo 'a\nb'"])
def test_a_command_that_made_no_run_is_refused(command: str, tmp_path: Path) -> None:
    with pytest.raises(StateUnusable):
        export_run(journal_of(tmp_path, [], scenario="mine", command=command))


@pytest.mark.parametrize("options", [{"crash": "burn"}, {"clients": 5}, {"crash": ["kill"]}, {"x; y": 1}])
def test_options_that_the_demo_does_not_take_are_refused(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(StateUnusable):
        export_run(journal_of(tmp_path, [], options=options))


@pytest.mark.parametrize(
    "options",
    [
        {"clients": "5"},
        {"clients": [5]},
        {"expect": ["$(touch canary)"]},
        {"expect": 5},
        {"fault": [5]},
        {"duration": float("1e9")},
    ],
)
def test_values_that_the_load_does_not_take_are_refused(options: dict[str, object], tmp_path: Path) -> None:
    journal = journal_of(tmp_path, [], options=options, scenario="load-basic", command="load basic")
    with pytest.raises(StateUnusable):
        export_run(journal)
