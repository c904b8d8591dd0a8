"""What is exported does on a fresh lab what labctl did: as a script, and block by block as Runme runs it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from labctl.export.build import export_demo, export_run
from labctl.export.document import Export
from labctl.export.notebook import to_notebook
from labctl.export.shell import to_shell
from scenarios.events import StepStarted
from scenarios.journal import files
from scenarios.journal.reader import Journal, open_journal
from scenarios.lab.context import Run
from stack.lab import Lab
from tests.integration.conftest import BOTH
from tests.integration.runs import Played, assert_works, play
from tests.unit.labctl.export.blocks import run_by_all

_TIMEOUT_S: Final = 120.0
#: How Runme runs a block: with these options, and with what it exported handed to the next one.
_RUNME: Final = "set -e -o pipefail\n\ntrap 'env -0 >\"$HANDED_ON\"' EXIT\n"

slow = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Made:
    """A run that labctl made."""

    played: Played
    journal: Journal

    @property
    def kept(self) -> list[str]:
        """The names of the products that it created, without those that it lost."""
        created = [
            str((write.value or {})["name"]) for write in self.journal.writes() if write.operation == "create"
        ]
        lost = {write.label for write in self.played.verdict.judged if write.fate == "lost"}
        return sorted(name for name in created if name not in lost)


@pytest.fixture(params=BOTH)
def labs(request: pytest.FixtureRequest) -> tuple[Lab, Lab]:
    """A lab that runs, and a fresh one that does not run yet, on the same runtime."""
    return (
        request.getfixturevalue(f"shared_{request.param}_lab"),
        request.getfixturevalue(f"{request.param}_lab"),
    )


def _make(lab: Lab, name: str, **options: Any) -> Made:
    list(lab.up())
    played = play(lab, name, **options)
    assert played.end.outcome == "expected", (played.end, played.failed_checks)
    journals = files.journals(lab.directory.parent / files.FOLDER)
    return Made(played, open_journal(list(journals.values())[-1]))


def _environment(lab: Lab) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name.startswith(("DOCKER_", "LABCTL_BUILD"))}
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    home = {"HOME": str(lab.directory.parent), "LABCTL_HOME": str(lab.directory.parent)}
    return {**own, "PATH": programs, **home, "LAB": lab.name, "RUNTIME": lab.kind}


def _bash(argv: Sequence[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["bash", *argv], env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def _run_script(exported: Export, lab: Lab, place: Path) -> str:
    file = place / "exported.sh"
    file.write_text(to_shell(exported))
    return _bash([str(file)], _environment(lab))


def _run_notebook(exported: Export, lab: Lab, place: Path) -> str:
    """Run every block in a shell of its own."""
    handed_on = place / "environment"
    environment = {**_environment(lab), "HANDED_ON": str(handed_on)}
    said = []
    for block in run_by_all(to_notebook(exported)):
        said.append(_bash(["-c", f"{_RUNME}{block.content}"], environment))
        pairs = (pair.partition("=") for pair in handed_on.read_text().split("\0") if pair)
        environment = {name: value for name, _, value in pairs}
    return "".join(said)


_WAYS: Final = (pytest.param(_run_script, id="sh"), pytest.param(_run_notebook, id="runme", marks=slow))


def _assert_works_and_holds(lab: Lab, names: Sequence[str]) -> None:
    """PostgreSQL has these products besides the ones of every new lab, and nothing waits in Redis."""
    with Run(lab) as run:
        _, rows = run.probe.table("SELECT name FROM products WHERE id NOT LIKE 'seed-%%'")
        assert sorted(name for (name,) in rows) == sorted(names)
        depth = run.probe.depth()
        assert (depth.unsettled, depth.dead_letters) == (0, 0)
    assert all(seen.state == "healthy" for seen in lab.status().values())


@pytest.mark.slow_in_docker
@pytest.mark.parametrize("way", _WAYS)
def test_the_same_five_products_are_lost(way: Any, labs: tuple[Lab, Lab], tmp_path: Path) -> None:
    lab, fresh = labs
    made = _make(lab, "data-loss")
    exported = export_run(made.journal)
    assert [step.title for step in exported.steps] == [step.title for step in made.played.of(StepStarted)]
    said = way(exported, fresh, tmp_path)
    assert "queue size before the crash: 5\n" in said
    assert "kept: 10 of 10, lost: 5 of 5\n" in said
    _assert_works_and_holds(fresh, [f"AtRisk-{number}" for number in range(1, 11)])


@slow
@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("basics", {}),
        ("latency", {}),
        ("coalescing", {}),
        ("data-loss", {"crash": "kill"}),
        ("retries", {}),
        ("load-quick", {}),
    ],
)
def test_what_is_exported_does_the_same(
    name: str, options: dict[str, Any], way: Any, labs: tuple[Lab, Lab], tmp_path: Path
) -> None:
    lab, fresh = labs
    made = _make(lab, name, **options)
    exported = export_run(made.journal)
    assert [step.title for step in exported.steps] == [step.title for step in made.played.of(StepStarted)]
    way(exported, fresh, tmp_path)
    _assert_works_and_holds(fresh, made.kept)


@slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("database-state", {}),
        ("load-basic", {"duration": 2.0, "clients": 3}),
        ("load-coalescing", {"duration": 2.0, "rate": 50.0}),
        ("load-quick", {"rate": 50.0}),
    ],
)
def test_the_others_run_as_exported(
    name: str, options: dict[str, Any], local_lab: Lab, shared_local_lab: Lab, tmp_path: Path
) -> None:
    said = _run_script(export_run(_make(shared_local_lab, name, **options).journal), local_lab, tmp_path)
    assert name == "database-state" or "AS EXPECTED" in said


@slow
@pytest.mark.parametrize("end", ["false", "kill -INT $$", "kill -TERM $$"])
def test_a_script_that_does_not_come_to_its_end_leaves_the_lab_in_order(
    end: str, local_lab: Lab, tmp_path: Path
) -> None:
    # The worker is stopped at this point.
    begun, _, _ = to_shell(export_demo("data-loss")).partition("echo '== 4 of 6")
    file = tmp_path / "exported.sh"
    file.write_text(f"{begun}{end}\nsleep 5\n")
    with pytest.raises(AssertionError):
        _bash([str(file)], _environment(local_lab))
    assert_works(local_lab)
