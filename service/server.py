"""The API's server: uvicorn and its configuration."""

import logging
import multiprocessing
import os
import socket
import threading
from multiprocessing.connection import wait
from typing import Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from service.protocol import HttpProtocol
from service.telemetry.logs import configure_logging
from service.writebehind.settings import Settings

_log: Final = logging.getLogger(__name__)

#: How long requests under way may take once the server is told to stop.
_GRACE_S: Final = 1


def serve(gateway: str, settings: Settings) -> int:
    """Serve until a signal. A server process that dies, or hangs for 5 s, is replaced.

    Args:
        gateway: The function that makes the `Gateway`, as `module:function`. Every server process calls it
            once.

    Returns:
        The exit code: 0 after a signal, 1 if the address can't be used.
    """
    configure_logging(settings)
    config = uvicorn.Config(
        gateway,
        factory=True,
        host=settings.api_host,
        port=settings.api_port,
        workers=settings.api_processes,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        backlog=1024,
        log_config=None,
    )
    host, port = settings.api_host, settings.api_port
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        # The server processes listen; until one does, connections are refused.
        listener.bind((host, port))
    except OSError as error:
        _log.critical("can't listen on %s:%d: %s", host, port, os.strerror(error.errno or 0))
        return 1
    _log.info("the API listens on %s:%d", host, port)
    with listener:
        Multiprocess(config, sockets=[listener]).run()
    return 0


def end_with_parent() -> None:
    """End this server process when its parent is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), name="parent", daemon=True).start()
