"""Names and addresses that every lab shares, on whichever runtime."""

from typing import Final

HOST: Final = "127.0.0.1"
#: The name of the lab that users get unless they ask for another; it has the well-known ports.
DEFAULT_NAME: Final = "lab42"

DATABASE: Final = "labdb"
USER: Final = "labuser"
PASSWORD: Final = "labpass"

#: Memory of Redis: a setting of the lab that is not one of the service's.
MAXMEMORY: Final = "REDIS_MAXMEMORY"

#: The directory in which the API and the workers keep traces, metrics and the history of the lab's page.
TELEMETRY: Final = "telemetry"
