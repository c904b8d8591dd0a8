"""The Makefile ignores settings of pip and Python that would lead it astray."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
_ASTRAY: Final = (
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_CONSTRAINT", "PIP_NO_DEPS"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTEST_ADDOPTS", "LD_LIBRARY_PATH"),
    "PYTHONDONTWRITEBYTECODE",
)
#: The site decides where packages come from.
_KEPT: Final = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_CONFIG_FILE", "HTTPS_PROXY")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_recipes_see_only_where_packages_come_from() -> None:
    done = subprocess.run(
        ["make", "--eval", "show:; @env", "show"],
        cwd=_ROOT,
        env={**os.environ, **dict.fromkeys((*_ASTRAY, *_KEPT), "x")},
        capture_output=True,
        text=True,
        check=True,
    )
    seen = {line.partition("=")[0] for line in done.stdout.splitlines() if line.endswith("=x")}
    assert seen & {*_ASTRAY, *_KEPT} == set(_KEPT)


def test_every_installation_says_no_user() -> None:
    """A configuration file can ask for --user as well."""
    lines = [line for line in (_ROOT / "Makefile").read_text().splitlines() if "pip install" in line]
    assert lines
    assert all("--no-user" in line for line in lines)
