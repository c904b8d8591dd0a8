"""Bytes that a process wrote to disk."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from stack.process_io import disk_bytes

#: Writes as a database's WAL does: a preallocated file, overwritten in small synced parts.
_LOG = """
import os, sys
with open(sys.argv[1], "wb", buffering=0) as log:
    log.write(bytes(1 << 20))
    for number in range(100):
        os.pwrite(log.fileno(), bytes(512), number * 512)
        os.fdatasync(log.fileno())
sys.stdout.write("done\\n")
sys.stdout.flush()
sys.stdin.read()
"""


def test_a_synced_log_is_not_counted_many_times(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _LOG, tmp_path / "log"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        counted = disk_bytes([psutil.Process(process.pid)])
        process.communicate()
    assert counted is not None
    assert counted[1] <= (1 << 20) + 100 * 512 + os.sysconf("SC_PAGESIZE")
