"""Prometheus' own opinion of metrics."""

import os
import shutil
import subprocess

import pytest


def complaints(metrics: str) -> str:
    """What `promtool check metrics` says about metrics in the text format; '' if nothing is wrong.

    It skips the test if promtool is missing (Debian: the package `prometheus`), but not in CI.
    """
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no promtool, which CI promises")
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [program, "check", "metrics"], input=metrics, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    return said if done.returncode == 0 else said or f"promtool ended with {done.returncode}"
