"""Signals, in a process of their own."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from labctl.cli.signals import Interruptions
Interruptions().install()
try:
    print("ready", flush=True)
    sys.stdin.readline()
except KeyboardInterrupt as interruption:
    try:
        print("cleaning up after", interruption, flush=True)
        sys.stdin.readline()
    except KeyboardInterrupt:
        print("given up", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_unwinds_the_second_waits_the_third_ends(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == f"cleaning up after {number.name}\n"
        process.send_signal(number)
        assert process.stderr.readline() == "\n"
        assert "still cleaning up" in process.stderr.readline()
        process.send_signal(number)
        assert process.stdout.readline() == "given up\n"
