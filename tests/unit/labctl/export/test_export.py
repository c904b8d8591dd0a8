"""Exports of journals and demos: what they hold, and that no text of a journal becomes a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labctl.export.build import KNOWN, export_demo, export_run
from labctl.export.notebook import to_notebook
from labctl.export.shell import to_shell
from scenarios.catalogue import DEMOS, find
from scenarios.events import (
    Event,
    Measured,
    Narrated,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    VerdictReached,
)
from stack.errors import UsageError
from stack.spec.hints import for_lab
from tests.journals import RUN
from tests.unit.labctl.conftest import Cli
from tests.unit.labctl.export.blocks import blocks_of, run_by_all
from tests.unit.labctl.export.journals import journal_of, nothing_lost

_STEPS = (
    "10 products, persisted",
    "Stop the worker",
    "5 more products",
    "Redis loses its memory: FLUSHALL",
    "Start the worker again",
    "Compare the ledger with PostgreSQL",
)
_STARTED = ScenarioStarted("data-loss", "Data loss", "What a crash loses.", 6)
_FINISHED = ScenarioFinished("data-loss", "expected", "Exactly the 5 queued writes are lost.", 1.5)


def _shellcheck(script: str) -> str:
    argv = [str(Path(sys.executable).with_name("shellcheck")), "-"]
    return subprocess.run(argv, input=script, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("name", KNOWN)
def test_shellcheck_has_nothing_to_say(name: str) -> None:
    assert _shellcheck(to_shell(export_demo(name))) == ""


@pytest.mark.parametrize("name", DEMOS)
def test_both_forms_hold_the_same_commands(name: str) -> None:
    exported = export_demo(name)
    script, notebook = to_shell(exported), to_notebook(exported)
    blocks = run_by_all(notebook)
    assert len(blocks) == 1 + find(name).steps
    for block in blocks:
        assert block.content in script


def test_blocks_have_names_of_their_own() -> None:
    names = [block.name for block in run_by_all(to_notebook(export_demo("data-loss")))]
    assert names[:3] == ["set-up", "step-1-10-products-persisted", "step-2-stop-the-worker"]
    assert len(set(names)) == len(names) == 7


def _played(*, steps: int = 6, finished: bool = True) -> list[Event]:
    events: list[Event] = [_STARTED]
    for number, title in enumerate(_STEPS[:steps], 1):
        events += [
            StepStarted(number, title, "curl -s http://127.0.0.1:1/"),
            Measured("figure", f"figure of step {number}", number, "writes"),
            Narrated(f"Sentence of step {number}."),
        ]
    return [*events, nothing_lost(), _FINISHED] if finished else events


def test_what_was_seen_stands_behind_its_step(tmp_path: Path) -> None:
    exported = export_run(journal_of(tmp_path, _played()))
    script = to_shell(exported)
    where = [script.index(f"== {number} of 6") for number in range(1, 7)]
    for number, at in enumerate(where, 1):
        behind = (where[number:] or [len(script)])[0]
        assert at < script.index(f"#> figure of step {number}: {number} write") < behind
        assert at < script.index(f"# Sentence of step {number}.") < behind
    assert "# The run ended AS EXPECTED. Exactly the 5 queued writes are lost." in script
    seen = [block for block in blocks_of(to_notebook(exported)) if block.language == "text"]
    assert [block.content for block in seen][:1] == ["figure of step 1: 1 write\n"]


def test_a_run_that_was_cut_off_holds_what_was_done_and_says_so(tmp_path: Path) -> None:
    exported = export_run(journal_of(tmp_path, _played(steps=3, finished=False)))
    assert [step.title for step in exported.steps] == list(_STEPS[:3])
    script, notebook = to_shell(exported), to_notebook(exported)
    for text in (script, notebook):
        assert "was cut off: it was in step 3 of 6" in " ".join(text.replace("\n#", "").split())
        assert "FLUSHALL" not in text
    # The worker is stopped at that point.
    assert "trap put_in_order EXIT\n" in script
    assert "trap - EXIT" not in script
    assert run_by_all(notebook)[-1].name == "put-in-order"


def test_a_run_that_was_cut_off_before_its_first_step(tmp_path: Path) -> None:
    exported = export_run(journal_of(tmp_path, [_STARTED]))
    assert exported.steps == []
    assert "was cut off, and had not begun its first step" in to_shell(exported)


def test_options_and_settings_of_the_run_are_taken_over(tmp_path: Path) -> None:
    settings = {"coalescing_window_ms": 2000, "batch_size": 500, "write_coalescing_enabled": False}
    journal = journal_of(tmp_path, _played(), options={"crash": "kill"}, settings=settings, lab="talk")
    script = to_shell(export_run(journal))
    assert "fault kill redis" in script
    assert "redis-cli FLUSHALL" not in script
    assert "labctl demo data-loss --crash kill" in script
    assert "config set COALESCING_WINDOW_MS=2000 WRITE_COALESCING_ENABLED=false\n" in script
    assert "${LAB:-talk}" in script


def test_what_was_expected_of_a_load_is_taken_over(tmp_path: Path) -> None:
    options = {"clients": 5, "expect": ["p99<20ms", "lost==0"]}
    journal = journal_of(tmp_path, _played(), scenario="load-basic", command="load basic", options=options)
    script = to_shell(export_run(journal))
    assert "load basic --duration 120 --clients 5 --expect 'p99<20ms' --expect lost==0\n" in script


def test_an_experiment_is_one_command_already(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, [], scenario="experiment", command="experiment --trials 3")
    with pytest.raises(UsageError) as error:
        export_run(journal)
    assert for_lab(error.value.hint, "lab42") == "type `labctl experiment --trials 3`"


def test_a_step_that_had_another_name_is_told(tmp_path: Path) -> None:
    events: list[Event] = [_STARTED, StepStarted(1, "Ten products", "curl"), _FINISHED]
    script = to_shell(export_run(journal_of(tmp_path, events)))
    assert "# In that run, this step was: Ten products" in script


def test_a_scenario_of_ones_own_is_its_command_with_the_steps_beside_it(tmp_path: Path) -> None:
    events: list[Event] = [
        ScenarioStarted("mine", "My own", "Mine.", 2),
        StepStarted(1, "Create", "curl -s http://127.0.0.1:1/\nrm -rf /"),
        Narrated("It is created."),
        ScenarioFinished("mine", "expected", "Done.", 1.0),
    ]
    command = "demo './my own.yaml'"
    exported = export_run(journal_of(tmp_path, events, scenario="mine", command=command))
    assert [step.commands for step in exported.steps] == [f'labctl --name "$LAB" {command}\n']
    script = to_shell(exported)
    assert "#> $ curl -s http://127.0.0.1:1/\n#> $ rm -rf /\n# It is created.\n" in script


def test_a_scenario_of_ones_own_may_have_the_name_of_a_demo(tmp_path: Path) -> None:
    exported = export_run(journal_of(tmp_path, _played(), command="demo ./data-loss.yaml"))
    assert [step.commands for step in exported.steps] == ['labctl --name "$LAB" demo ./data-loss.yaml\n']


def test_the_command_prefers_the_newest_run_of_a_demo(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("export", "data-loss")
    assert (code, "#> figure" in out, "FLUSHALL" in out) == (0, False, True)
    journal_of(tmp_path / "runs", _played())
    for word in ("data-loss", "last", RUN):
        code, out, _ = cli("export", word)
        assert (code, "#> figure of step 1" in out) == (0, True)


def test_the_file_s_name_chooses_the_form(cli: Cli, tmp_path: Path) -> None:
    script, notebook = tmp_path / "basics.sh", tmp_path / "basics.md"
    assert cli("export", "basics", "-o", str(script))[0] == 0
    assert cli("export", "basics", "-o", str(notebook))[0] == 0
    assert os.access(script, os.X_OK)
    assert notebook.read_text().startswith("---\nshell: bash\n---\n")
    assert cli("export", "basics", "--as", "runme")[1] == notebook.read_text()


def test_for_programs(cli: Cli, tmp_path: Path) -> None:
    _, out, _ = cli("export", "basics", "--json")
    assert "#!/usr/bin/env bash" in json.loads(out)["export"]
    file = tmp_path / "basics.md"
    _, out, err = cli("export", "basics", "--json", "-o", str(file))
    assert (json.loads(out)["as"], json.loads(out)["file"], err) == ("runme", str(file), "")


@pytest.mark.parametrize(("word", "code"), [("nonsense", 2), ("last", 4)])
def test_what_can_t_be_found(cli: Cli, word: str, code: int) -> None:
    assert cli("export", word)[0] == code


def test_a_file_that_can_t_be_written(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("export", "basics", "-o", "/proc/basics.sh")
    assert (code, "can't be written" in err) == (4, True)
    code, _, err = cli("export", "basics", "-o", str(tmp_path / "missing" / "basics.sh"))
    assert (code, "does not exist" in err) == (2, True)
    code, _, err = cli("export", "basics", "-o", "/dev/null")
    assert (code, "is not a regular file" in err) == (2, True)


@pytest.mark.parametrize("form", ["sh", "runme"])
def test_only_an_export_is_overwritten(cli: Cli, tmp_path: Path, form: str) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    other.write_text("#!/usr/bin/env bash\necho mine\n")
    journal_of(tmp_path / "runs", _played())
    for word in ("basics", "data-loss"):
        assert cli("export", word, "--as", form, "-o", str(mine))[0] == 0
    code, _, err = cli("export", "basics", "--as", form, "-o", str(other))
    assert (code, "is not an export that labctl wrote" in err) == (2, True)
    assert other.read_text() == "#!/usr/bin/env bash\necho mine\n"


def test_an_outcome_that_is_not_believed_is_not_told(tmp_path: Path) -> None:
    played = [event for event in _played() if not isinstance(event, VerdictReached)]
    exported = export_run(journal_of(tmp_path, played))
    assert "AS EXPECTED" not in to_shell(exported) + to_notebook(exported)
    assert exported.conclusion.startswith("Judged again today, the journal can't be trusted: ")
