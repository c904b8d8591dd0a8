"""An experiment on real labs: each trial gets a fresh one, and none is left."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from labctl.runs.store import Runs
from scenarios.experiment.recheck import recheck_experiment
from scenarios.journal import files
from stack.factory import open_lab
from stack.wait import wait_until

_LAB: Final = "lab42-experiment"
_SHORT: Final = (
    "policies: write_behind\nfaults: none\ntrials: 1\nduration: 1\nwarm_up: 0.1\nwrites_per_second: 100\n"
)


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    return {**os.environ, "LABCTL_HOME": str(tmp_path / "home")}


@contextmanager
def _labctl(environment: Mapping[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "labctl", "--runtime", "local", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=dict(environment), stdout=pipe, stderr=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def _remains(home: Path) -> list[str]:
    """What is in the state directory beside the journals."""
    return sorted(path.name for path in home.iterdir() if path.name != files.FOLDER)


@pytest.mark.slow
def test_two_windows_are_compared_on_fresh_labs(environment: Mapping[str, str], tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    file.write_text(f"set:\n  COALESCING_WINDOW_MS: [300, 50]\n{_SHORT}")
    with _labctl(environment, "experiment", str(file), "--json") as child:
        out, errors = child.communicate(timeout=90)
    assert child.returncode == 0, errors
    result = json.loads(out)
    wide, narrow = result["cells"]
    assert (wide["cell"], narrow["cell"]) == ("window 300 ms", "window 50 ms")
    assert wide["lost"]["max"] == narrow["lost"]["max"] == 0
    assert wide["persist_lag_p50"]["mean"] > narrow["persist_lag_p50"]["mean"] + 100
    home = tmp_path / "home"
    runs = Runs(home)
    rechecked = recheck_experiment(runs.open("experiment"), runs.trials(next(iter(runs.journals()))))
    assert (len(rechecked.trials), rechecked.result) == (2, "same")
    for trial in result["trials"]:
        # Nothing of the other trial is in its journal: 100 writes a second, for a second. Few requests may
        # hold more writes than their share.
        assert trial["figures"]["acknowledged"] < 150
        assert (home / files.FOLDER / f"{trial['run']}{files.CLOSED}").is_file()
    assert _remains(home) == ["experiment.lock"]


def test_a_second_one_is_refused_and_a_killed_one_can_be_cleared_away(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    file, home = tmp_path / "short.yaml", tmp_path / "home"
    file.write_text(_SHORT)
    lab = open_lab(_LAB, "local", home=home)
    with _labctl(environment, "experiment", str(file), "--quiet") as first:
        wait_until(lambda: len(lab.services()) == 4, seconds=30, reason="the experiment has a lab", hint="")
        with _labctl(environment, "experiment", str(file)) as second:
            _, errors = second.communicate(timeout=30)
        assert second.returncode == 4
        assert "another experiment is running" in errors
        assert first.poll() is None
    # The end of the block killed it.
    assert lab.services()
    with _labctl(environment, "--name", _LAB, "down") as down:
        _, errors = down.communicate(timeout=30)
    assert down.returncode == 0, errors
    assert not lab.services()
    assert _remains(home) == ["experiment.lock"]
