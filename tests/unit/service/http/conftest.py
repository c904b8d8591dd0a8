"""A server in this process, with an application of the test's and limits that pass quickly."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from service.http.gateway import Application, Gateway
from service.http.limits import Limits
from service.http.threads import Threads

QUICK = Limits(
    max_body=1_000, max_head=2_000, max_target=500, head_s=0.3, body_s=0.3, send_s=0.3, idle_s=2.0,
    linger_s=0.5, wait_s=0.3, room_s=0.0, max_connections=8, tick_s=0.02,
)  # fmt: skip

#: Serves an application, and returns the port.
Serve = Callable[..., int]


@contextmanager
def _serving(application: Application, threads: int, limits: Limits) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    server = Threads(
        listener,
        Gateway(application, "127.0.0.1", port),
        threads=threads,
        limits=limits,
        urgent=lambda request: request.target == b"/urgent",
    )
    reader, writer = os.pipe()
    running = threading.Thread(target=server.serve, args=(reader,))
    running.start()
    try:
        yield port
    finally:
        # What the parent's death would do.
        os.close(writer)
        running.join()
        os.close(reader)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as opened:

        def serve_one(application: Application, *, threads: int = 2, limits: Limits = QUICK) -> int:
            return opened.enter_context(_serving(application, threads, limits))

        yield serve_one
