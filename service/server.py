"""The API's server: how every process that serves it is set up."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from flask import Flask

from service.http.gateway import Gateway
from service.http.limits import Limits
from service.http.processes import Processes, listen
from service.http.requests import Request
from service.http.threads import Threads
from service.writebehind.entry import MAX_BODY_BYTES
from service.writebehind.settings import Settings

_log = logging.getLogger(__name__)


def serve(make_application: Callable[[], Flask], settings: Settings) -> int:
    """Serve until a signal ends it.

    Args:
        make_application: makes the WSGI application; called once in every server process.

    Returns:
        The exit code: 0 after a signal, 1 if the address can't be used.
    """
    logging.basicConfig(format="service: %(message)s", stream=sys.stderr)
    _log.setLevel(logging.INFO)
    host, port = settings.api_host, settings.api_port
    try:
        listener = listen(host, port)
    except OSError as error:
        sys.stderr.write(f"service: can't listen on {host}:{port}: {os.strerror(error.errno or 0)}\n")
        return 1

    def serve_clients(parent: int) -> None:
        gateway = Gateway(make_application(), host, port)
        threads = Threads(
            listener,
            gateway,
            threads=settings.api_threads,
            limits=Limits(max_body=MAX_BODY_BYTES),
            urgent=_urgent,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threads.stop())
        threads.serve(parent)

    _log.info(
        "http://%s:%d, %d processes of %d threads", host, port, settings.api_processes, settings.api_threads
    )
    Processes(serve_clients, settings.api_processes).run()
    return 0


#: What is answered although every thread is busy, with a Redis that does not answer say.
_URGENT: Final = frozenset({b"/health", b"/openapi.json"})


def _urgent(request: Request) -> bool:
    return request.target in _URGENT
