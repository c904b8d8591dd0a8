"""Prometheus' own opinion of metrics and rules."""

import subprocess

from tests.programs import program


def promtool(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool, with this text as its input. It skips the test if promtool is missing."""
    return subprocess.run(
        [program("promtool"), *arguments], input=text, capture_output=True, text=True, check=False
    )


def complaints(metrics: str) -> str:
    """What `promtool check metrics` says about metrics in the text format; '' if nothing is wrong."""
    done = promtool("check", "metrics", text=metrics)
    said = done.stdout + done.stderr
    return said if done.returncode == 0 else said or f"promtool ended with {done.returncode}"
