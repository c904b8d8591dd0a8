"""`labctl --debug`: what labctl asked of the engine, of processes, of Redis and of the API, on stderr."""

import logging
import re
import sys
from typing import Final

#: The libraries' own chatter; what labctl asks of them is logged by labctl.
_QUIET: Final = ("urllib3", "docker", "asyncio", "httpcore")
#: The user may be missing, as in redis://:secret@…; a password may hold an @.
_PASSWORD: Final = re.compile(r"(://[^:/@\s]*:)[^\s/]+@")


class _Masked(logging.Formatter):
    """Masks passwords in URLs."""

    def format(self, record: logging.LogRecord) -> str:
        return _PASSWORD.sub(r"\1***@", super().format(record))


def start_debug_log() -> None:
    """Write every log record of this process to stderr, with the ms since labctl began. Calling it again
    changes nothing."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, _Masked) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked("[%(relativeCreated)6.0f ms] %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
