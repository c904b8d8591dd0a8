"""`python -m bench`: every figure, each with its ceiling taken in the same run."""

import sys
import tempfile
from pathlib import Path

from bench.commands import waits
from bench.figures import show
from bench.flushing import flush_rate, idle_latency
from bench.requests import long_queue, throughput
from stack.stack import open_stack


def main() -> int:
    print("Figures of one run on one machine; ratios are medians of pairs taken back to back.\n")
    missed = 0
    for figure in waits():
        show(figure)
        missed += not figure.met
    with tempfile.TemporaryDirectory(prefix="labctl-bench-") as home:
        # PostgreSQL may run as another user, who must be able to enter.
        Path(home).chmod(0o755)
        stack = open_stack("bench", "local", home=Path(home))
        try:
            for _ in stack.up({"MAX_PENDING": "100000000", "REDIS_MAXMEMORY": "4gb"}):
                pass
            for measure in (idle_latency, throughput, flush_rate, long_queue):
                for figure in measure(stack):
                    show(figure)
                    missed += not figure.met
        finally:
            for _ in stack.down():
                pass
    print(f"\n{missed} targets missed" if missed else "\nevery target met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
