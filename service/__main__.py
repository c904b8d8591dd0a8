"""`python -m service`: the API under its WSGI server, with the settings of the environment."""

import sys

from granian import Granian
from granian.constants import Interfaces

from service.writebehind.errors import InvalidSettings
from service.writebehind.settings import Settings


def main() -> int:
    try:
        settings = Settings.from_env()
    except InvalidSettings as error:
        sys.stderr.write(f"service: {error}\n")
        return 2
    Granian(
        "service.app:from_env",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.api_host,
        port=settings.api_port,
        workers=settings.api_processes,
        blocking_threads=settings.api_threads,
        # A worker process that dies is replaced; the others go on meanwhile.
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=2,
        websockets=False,
    ).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
