"""The WSGI server: how every process that serves the API is set up."""

from granian import Granian
from granian.constants import Interfaces

from service.writebehind.settings import Settings


def serve(application: str, settings: Settings) -> None:
    """Serve until a signal ends it.

    Args:
        application: Where the function is that makes the WSGI application, as `module:function`; every
            server process calls it once.
    """
    Granian(
        application,
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.api_host,
        port=settings.api_port,
        workers=settings.api_processes,
        blocking_threads=settings.api_threads,
        # A server process that dies is replaced; the others go on meanwhile.
        respawn_failed_workers=True,
        respawn_interval=0.1,
        # One that is told to stop while it starts may not notice.
        workers_kill_timeout=2,
        websockets=False,
    ).serve()
