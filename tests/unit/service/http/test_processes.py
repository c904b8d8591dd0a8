"""Server processes that can't live, and their parent."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PROGRAM = """
import logging, select, signal, time
from service.http.processes import Processes

logging.basicConfig(format="%(message)s")

def serve(parent):
    print("started", flush=True)
    {body}

Processes(serve, 1).run()
print("ended", flush=True)
"""


@contextmanager
def running(body: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout
    return iter(process.stdout.readline, "")


def test_one_that_fails_is_tried_again_and_again() -> None:
    with running("raise ValueError('no luck')") as process:
        said = lines(process)
        assert next(said) == "started\n"
        told = next(line for line in said if line.startswith("server process"))
        assert told.endswith("ended (exit code 1); another takes its place\n")
        assert next(said) == "started\n"
        process.terminate()
        assert list(said)[-1] == "ended\n"
        assert process.wait(5) == 0


def test_one_that_does_not_end_when_told_is_killed() -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    with running(deaf) as process:
        said = lines(process)
        assert [next(said), next(said)] == ["started\n", "deaf\n"]
        process.send_signal(signal.SIGINT)
        process.terminate()
        assert list(said) == ["ended\n"]


def test_the_pipe_tells_of_the_parents_death() -> None:
    with running("select.select([parent], [], []); print('orphan', flush=True)") as process:
        said = lines(process)
        assert next(said) == "started\n"
        process.kill()
        assert list(said) == ["orphan\n"]
