"""How labctl starts: which variables it drops, and where it refuses to start."""

import subprocess
import sys

import pytest

from labctl.start import steered


@pytest.mark.parametrize(
    "name", ["PYTHONPATH", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "LD_PRELOAD", "MALLOC_PERTURB_"]
)
def test_what_has_steered_python_already_makes_it_begin_anew(name: str) -> None:
    assert steered({"PATH": "/bin", name: "x"})


def test_what_changes_nothing_does_not() -> None:
    assert not steered(
        {"PATH": "/bin", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PGHOST": "x"}
    )


def test_a_system_without_locks_is_told_and_no_traceback() -> None:
    """Windows, outside of WSL 2."""
    script = "import sys; sys.modules['fcntl'] = None; import labctl.start as s; sys.exit(s.main())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "WSL 2" in done.stderr
    assert "Traceback" not in done.stderr
