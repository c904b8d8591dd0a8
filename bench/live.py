"""What viewers of the lab's page cost: the same server under the same load, with 20 of them and with none."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.figures import Figure, in_turns, ratio_of
from bench.load import post_load
from bench.requests import served
from service.live.stream import PATH
from stack.lab import Lab

_VIEWERS: Final = 20
_PAIRS: Final = 9
_SECONDS: Final = 2.0
#: Reads all streams in one process, and says when each of them has begun.
_READ: Final = """
import selectors, socket, sys
port, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
chooser, begun = selectors.DefaultSelector(), set()
for _ in range(count):
    viewer = socket.create_connection(("127.0.0.1", port))
    viewer.sendall(f"GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n".encode())
    chooser.register(viewer, selectors.EVENT_READ)
while True:
    for key, _ in chooser.select():
        if not key.fileobj.recv(1 << 20):
            sys.exit("the server closed a stream")
        if key.fd not in begun:
            begun.add(key.fd)
            if len(begun) == count:
                print("all", flush=True)
"""


def viewers(lab: Lab) -> Iterator[Figure]:
    """POST /products while 20 viewers follow the lab, compared with none."""
    rates: dict[str, list[float]] = {"viewed": [], "alone": []}
    with (
        tempfile.TemporaryDirectory(prefix="labctl-bench-") as directory,
        served(lab, telemetry_dir=directory) as port,
    ):
        post_load(port, seconds=0.5)
        for _, name in in_turns(rates, _PAIRS):
            rates[name].append(_rate(port, viewed=name == "viewed"))
    title = f"POST /products, {_VIEWERS} viewers ÷ none"
    yield ratio_of(title, rates["viewed"], rates["alone"], "≥", 0.97, unit="requests/s")


def _rate(port: int, *, viewed: bool) -> float:
    if not viewed:
        return post_load(port, seconds=_SECONDS).per_second
    with _looking(port):
        return post_load(port, seconds=_SECONDS).per_second


@contextmanager
def _looking(port: int) -> Iterator[None]:
    """While the block runs, viewers read the stream."""
    reader = subprocess.Popen(
        [sys.executable, "-c", _READ, str(port), PATH, str(_VIEWERS)], stdout=subprocess.PIPE
    )
    try:
        assert reader.stdout is not None
        if not reader.stdout.readline():
            raise RuntimeError("the viewers could not look")
        yield
        if reader.poll() is not None:
            raise RuntimeError("the viewers were not served to the end")
    finally:
        reader.kill()
        reader.communicate()
