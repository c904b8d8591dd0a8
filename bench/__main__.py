"""`python -m bench`: every figure, each against a ceiling measured in the same run."""

import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from bench.commands import waits
from bench.figures import Figure, show
from bench.flushing import flush_rate, idle_latency
from bench.live import viewers
from bench.page import page_figures
from bench.requests import long_queue, throughput
from bench.runtimes import docker_life, has_engine, side_by_side
from bench.scripts import script_cost
from bench.telemetry import metrics_of_flushes, metrics_of_requests
from bench.tracing import traces_of_flushes, traces_of_requests
from stack.factory import open_lab

_MEASURES: Final = (
    idle_latency, throughput, metrics_of_requests, viewers, script_cost, flush_rate, metrics_of_flushes,
    traces_of_requests, traces_of_flushes, long_queue,
)  # fmt: skip


def main() -> int:
    print("Figures of one run on one machine; ratios are medians of pairs taken back to back.\n")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="labctl-bench-") as home:
        # PostgreSQL may run as another user, who must be able to enter.
        Path(home).chmod(0o755)
        for figure in chain(waits(), page_figures(), _on_one_lab(Path(home)), _on_both_runtimes(Path(home))):
            show(figure)
            missed += not figure.met
    print(f"\n{missed} targets missed" if missed else "\nevery target met")
    return 0


def _on_one_lab(home: Path) -> Iterator[Figure]:
    lab = open_lab("bench", "local", home=home)
    try:
        list(lab.up({"MAX_PENDING": "100000000", "REDIS_MAXMEMORY": "4gb"}))
        for measure in _MEASURES:
            yield from measure(lab)
    finally:
        list(lab.down())


def _on_both_runtimes(home: Path) -> Iterator[Figure]:
    if has_engine():
        yield from docker_life(home)
        yield from side_by_side(home)
    else:
        print("      no Docker engine answers: there is nothing to put beside the local runtime")


if __name__ == "__main__":
    sys.exit(main())
