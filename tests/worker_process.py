"""A real worker process, for tests that need one that runs by itself."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import redis

from service.writebehind import keys
from service.writebehind.settings import Settings
from stack.wait import wait_until


@contextmanager
def running_worker(settings: Settings, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """`python -m worker` with these settings; it is killed at the end. Yields its pid.

    Args:
        env: Added to the environment.
    """
    worker = subprocess.Popen(
        [sys.executable, "-m", "worker"],
        env={**os.environ, **settings.to_env(), **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with redis.Redis.from_url(settings.redis_url) as client:
            wait_until(
                lambda: client.hlen(keys.WORKERS) > 0,
                seconds=20,
                reason="a worker lives",
                hint="run it by hand",
            )
        yield worker.pid
    finally:
        worker.kill()
        worker.wait()
