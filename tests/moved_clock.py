"""Wall clocks that tests move while their process runs (Debian's libfaketime)."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stack.local.programs import redis_server
from stack.ports import choose_free
from stack.spec.services import REDIS
from tests.servers import Servers

_PLACES = ("/usr/lib", "/usr/local/lib")


def libfaketime() -> Path:
    """Path of the library; without it the test is skipped, and in CI fails."""
    for place in _PLACES:
        for found in sorted(Path(place).rglob("libfaketimeMT.so.1")):
            return found
    why = "libfaketime is not installed (Debian: apt-get install libfaketime)"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


class MovedClock:
    """The wall clock of a process. Its monotonic clock is not affected."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._library = libfaketime()
        self.step(hours=0)

    def step(self, *, hours: float) -> None:
        """Set it this many hours ahead of the real time."""
        # Atomically: the process may read it at any moment.
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{3600 * hours:+.0f}s")
        draft.rename(self._file)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that uses this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@contextmanager
def redis_by(clock: MovedClock, servers: Servers) -> Iterator[Servers]:
    """The servers, with a Redis of their own that uses this clock."""
    (port,) = choose_free(1)
    server = subprocess.Popen(
        [redis_server(), *REDIS.as_process({"redis": port}, ()).args, "--maxmemory", "100mb"],
        env={**os.environ, **clock.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        own = replace(servers, redis_url=f"redis://127.0.0.1:{port}/0")
        own.wait_for("redis")
        yield own
    finally:
        server.kill()
        server.wait()
