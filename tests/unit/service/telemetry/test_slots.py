"""Processes that end in any way, and the files that they count in."""

import subprocess
import sys
from pathlib import Path

from service.telemetry.slots import values_in

#: Each child takes a slot, counts one request, and is killed; two of them live at a time.
_SCRIPT = """
import os, signal, sys
from pathlib import Path
from service.telemetry.facts import Facts
from service.telemetry.requests import RequestMetrics
from service.telemetry.slots import claim_slot

directory, number = Path(sys.argv[1]), int(sys.argv[2])
lives = []
for _ in range(number):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        assert claim_slot(directory) is not None
        RequestMetrics().observe("GET", Facts(route="/health"), 200, 0.001)
        os.write(write, b"!")
        signal.pause()
    assert os.read(read, 1) == b"!"
    os.close(read), os.close(write)
    lives.append(child)
    if len(lives) == 2:
        oldest = lives.pop(0)
        os.kill(oldest, signal.SIGKILL)
        os.waitpid(oldest, 0)
os.kill(lives.pop(), signal.SIGKILL)
"""


def test_dozens_of_killed_processes_leave_two_slots_and_every_count(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _SCRIPT, str(tmp_path), "50"], check=True, timeout=60)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("counter_0.db", "counter_1.db", "histogram_0.db", "histogram_1.db", "slot-0", "slot-1")
    ]
    counts = {
        sample.name: sample.value
        for family in values_in(tmp_path)
        for sample in family.samples
        if sample.labels.get("route") == "/health" and "le" not in sample.labels
    }
    assert counts["write_behind_http_requests_total"] == 50
    assert counts["write_behind_http_request_duration_seconds_count"] == 50
