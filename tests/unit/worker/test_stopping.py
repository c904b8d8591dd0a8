"""A request to stop ends the process, whatever it hangs in."""

import subprocess
import sys
import time

import pytest

from worker.stopping import StopRequest


def test_a_request_ends_a_pause_and_shows_on_its_descriptor(stop: StopRequest) -> None:
    assert not stop.pause(0.001)
    stop.request()
    stop.request()
    began = time.monotonic()
    assert stop.pause(10)
    assert time.monotonic() - began < 1


PROGRAM = """
import signal, threading
from worker.stopping import StopRequest
stop = StopRequest()
signal.signal(signal.SIGTERM, stop.on_signal)
stop.enforce()
print("ready", flush=True)
while True:
    threading.Event().wait(60)
"""


@pytest.mark.parametrize(("signals", "code", "within"), [(1, 1, 8.0), (2, 128 + 15, 4.0)])
def test_a_process_that_hangs_is_ended(signals: int, code: int, within: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        began = time.monotonic()
        process.terminate()
        if signals == 2:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.4)
            process.terminate()
        assert process.wait(timeout=within) == code
        assert time.monotonic() - began < within
