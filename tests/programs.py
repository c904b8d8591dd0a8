"""Programs that some tests need, and that this machine may lack."""

import os
import shutil

import pytest


def program(name: str, package: str = "prometheus") -> str:
    """The path of a program. If it is missing, the test is skipped, or fails in CI, which promises it.

    Args:
        package: The Debian package that has it.
    """
    path = shutil.which(name)
    if path is None:
        missing = f"there is no {name} (Debian: the package `{package}`)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path
