"""Signals, in a process of their own."""

import os
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


EARLY = """
import sys
from labctl.cli.signals import Interruptions
from scenarios.early_end import EarlyEnd
early_end = EarlyEnd()
Interruptions(early_end).install()
try:
    with early_end.heeded(shown=True):
        print("ready", flush=True)
        sys.stdin.readline()
        print("asked" if early_end.requested else "not asked", flush=True)
        sys.stdin.readline()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize(
    ("first", "lines"),
    [
        (signal.SIGINT, ["ready\n", "asked\n", "interrupted\n"]),
        (signal.SIGTERM, ["ready\n", "interrupted\n"]),
        (signal.SIGHUP, ["ready\n", "interrupted\n"]),
    ],
)
def test_the_first_ctrl_c_asks_for_an_early_end_and_the_second_interrupts(
    first: signal.Signals, lines: list[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", EARLY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stdout.readline() == lines[0]
        process.send_signal(first)
        if first == signal.SIGINT:
            assert process.stderr.readline() == "\n"
            assert "ending early, with a verdict" in process.stderr.readline()
            process.stdin.write("go on\n")
            process.stdin.flush()
            assert process.stdout.readline() == lines[1]
            process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == lines[-1]


@pytest.mark.parametrize(
    ("shown", "said"),
    [("shown=True", ""), ("shown=False", "nothing is sent any more, and the verdict comes soon")],
)
def test_a_terminal_is_told_unless_its_display_says_it(shown: str, said: str) -> None:
    ours, theirs = os.openpty()
    with (
        os.fdopen(ours, "rb", buffering=0) as screen,
        os.fdopen(theirs, "wb", buffering=0) as stdout,
        subprocess.Popen(
            [sys.executable, "-c", EARLY.replace("shown=True", shown)],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert screen.read(5) == b"ready"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate("go on\n\n", timeout=10)
    assert (said in told, bool(told)) == (True, bool(said))
