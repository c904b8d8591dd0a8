"""How root runs PostgreSQL as another user; needs root."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.local import unprivileged

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="only root on Linux gives up rights"
)


def _run(need: str, *program: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-I", "-S", unprivileged.__file__, need]
    return subprocess.run([*launcher, *program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("need", ["none", "search", "override"])
def test_nobody_runs_it(need: str) -> None:
    assert _run(need, "/bin/sh", "-c", "id -u; id -g; id -G").stdout.split() == ["65534"] * 3


@pytest.mark.parametrize(("need", "readable"), [("none", False), ("search", True)])
def test_it_keeps_the_right_that_it_needs_and_no_other(tmp_path: Path, need: str, readable: bool) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("seen")
    (closed / "file").chmod(0o600)
    assert (_run(need, "/bin/cat", str(closed / "file")).stdout == "seen") is readable
    _run(need, "/bin/sh", "-c", f"echo spoilt > {closed / 'file'}")
    assert (closed / "file").read_text() == "seen"
    assert _run(need, "/bin/kill", "-0", "1").returncode != 0


def test_a_program_that_is_not_there_is_told() -> None:
    done = _run("none", "/nowhere/postgres")
    assert done.returncode == 126
    assert "can't run /nowhere/postgres as nobody" in done.stderr


def test_programs_in_a_closed_directory_are_found(tmp_path: Path) -> None:
    """access(2), by which initdb looks for postgres, goes without capabilities unless told otherwise."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.write_text("#!/bin/sh")
    program.chmod(0o755)
    assert _run("search", "/usr/bin/test", "-x", str(program)).returncode == 0
