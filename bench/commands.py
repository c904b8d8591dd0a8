"""The commands that users wait for, timed as whole processes."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, ratio_of

_BARE_APP = """
import typer
app = typer.Typer()

@app.command()
def first(name: str = "x") -> None:
    "A command."

@app.command()
def second(number: int = 1) -> None:
    "Another one."

app()
"""


def _time(argv: list[str], home: str) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        argv, env={**os.environ, "LABCTL_HOME": home}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def waits() -> Iterator[Figure]:
    """Times of `up`, `up` again, two demos and `--help`."""
    labctl = [sys.executable, "-m", "labctl"]
    lab = ["--name", "bench", "--runtime", "local"]
    with tempfile.TemporaryDirectory(prefix="labctl-bench-") as home:
        Path(home).chmod(0o755)
        try:
            yield Figure("labctl up, the first time", _time([*labctl, "up", *lab], home), "s", "≤", 3)
            for demo in ("coalescing", "data-loss"):
                yield Figure(
                    f"labctl demo {demo}, on a running lab",
                    _time([*labctl, "demo", demo, *lab], home),
                    "s",
                    "≤",
                    8,
                )
            _time([*labctl, "down", "--keep-data", *lab], home)
            yield Figure("labctl up, after down --keep-data", _time([*labctl, "up", *lab], home), "s", "≤", 2)
        finally:
            _time([*labctl, "down", *lab], home)
        bare = [sys.executable, "-c", _BARE_APP, "--help"]
        ours, ceiling = [], []
        for _ in range(11):
            ours.append(_time([*labctl, "--help"], home))
            ceiling.append(_time(bare, home))
        yield ratio_of("labctl --help ÷ a bare Typer app", ours, ceiling, "≤", 1.5, unit="s")
