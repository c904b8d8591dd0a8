"""The workflow of the documentation is valid, and its very commands do on a lab what they say."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.terminal import LABCTL, environment

_FILE = Path(__file__).parents[2] / "docs" / "ci" / "labctl.yml"
#: Where the workflow's lab and its runs are.
_HOME = "/tmp/labctl"
#: A shorter load, on a machine that may be busy with other tests.
_SHORTER = {
    "--duration 60": "--duration 2",
    "p99<250ms": "p99<9s",
    "persist_lag_p99<2s": "persist_lag_p99<20s",
}


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    """A checkout to run steps in; afterwards, no lab is left."""
    yield tmp_path
    _run(tmp_path, "labctl down --name ci")


def steps() -> list[Mapping[str, Any]]:
    workflow = yaml.safe_load(_FILE.read_text())
    # YAML 1.1 takes `on` for a boolean.
    assert set(workflow[True]) == {"pull_request", "push"}
    (job,) = workflow["jobs"].values()
    assert job["env"] == {"LABCTL_HOME": _HOME}
    found: list[Mapping[str, Any]] = job["steps"]
    assert all(("run" in step) != ("uses" in step) for step in found)
    return found


def _run(work: Path, command: str) -> subprocess.CompletedProcess[str]:
    """What a runner does with a step's `run`."""
    home = work / "home"
    env = environment(home)
    env["PATH"] = f"{Path(LABCTL).parent}{os.pathsep}{env['PATH']}"
    command = command.replace(_HOME, str(home))
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", command],
        cwd=work, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_its_commands_do_what_they_say(work: Path) -> None:
    commands = [step["run"] for step in steps() if "run" in step]
    install, up, load, compare, reports, keep, down = commands
    assert install == "python -m pip install ."
    for whole, short in _SHORTER.items():
        assert whole in load
        load = load.replace(whole, short)
    for command in (up, load, reports, keep):
        done = _run(work, command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert (work / "report.html").stat().st_size > 10_000
    assert "persist_lag_p99" in (work / "report.xml").read_text()
    compared = _run(work, compare)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "passed: the run is not worse than the base" in compared.stdout

    # Nothing was read, so nothing is known of reads: that must not pass.
    missed = _run(work, "labctl load quick --name ci --expect 'read_p99<1s' --expect 'lost==0'")
    assert missed.returncode == 1
    assert "nothing: no read was timed" in missed.stdout
    assert _run(work, down).returncode == 0


def test_the_commands_of_the_page_are_those_of_labctl() -> None:
    from scenarios.figures.names import FIGURES

    page = (_FILE.parents[1] / "ci.md").read_text()
    table = page.partition("| figure |")[2].partition("\n\n")[0]
    for name in FIGURES:
        assert f"`{name}`" in table, name


def test_a_runner_has_what_the_steps_use() -> None:
    assert shutil.which("bash")
    used = [step["uses"] for step in steps() if "uses" in step]
    assert all("@v" in action for action in used)
