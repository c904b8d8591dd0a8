"""`python -m worker`: an RQ worker that flushes, with the settings of the environment."""

import logging
import os
import random
import signal
import sys
from types import FrameType
from typing import Final

import redis

from service.flush_signal import FlushSignal
from service.writebehind.buffer import Buffer
from service.writebehind.errors import InvalidSettings
from service.writebehind.scripts import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store
from worker.flush import Flusher
from worker.rq_worker import FlushWorker
from worker.stopping import StopRequest
from worker.watch import Watch

_log = logging.getLogger("worker")

#: s between attempts to start when Redis is away.
_START_SECONDS: Final = 0.25


def main() -> int:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        settings = Settings.from_env()
    except InvalidSettings as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    serve(settings, StopRequest())
    return 0


def serve(settings: Settings, stop: StopRequest) -> None:
    """Flush until `stop` is requested, whatever becomes of Redis and PostgreSQL meanwhile."""
    scripts = Scripts(settings.redis_url)
    buffer = Buffer(scripts)
    flush_signal = FlushSignal(scripts.client)
    store = Store(settings.database_url)
    flusher = Flusher(
        buffer,
        store,
        settings,
        stop,
        signal_flush=flush_signal,
        chance=random.Random(),
    )
    watch = Watch(scripts.client, buffer, flusher, flush_signal, settings)
    watch.start()
    _log.info("the worker runs as process %d", os.getpid())
    try:
        while not stop.requested:
            _listen_for_stop(stop)
            _work(settings, flusher, stop)
    finally:
        _log.info("the worker ends")
        watch.end()
        flusher.close()
        store.close()
        scripts.close()


def _work(settings: Settings, flusher: Flusher, stop: StopRequest) -> None:
    """Run one RQ worker. RQ's ends when Redis answers late or breaks off: then the next one begins."""
    # RQ waits for jobs longer than any answer takes, so its connection is its own, and patient.
    client = redis.Redis.from_url(settings.redis_url, socket_connect_timeout=1.0)
    try:
        FlushWorker(client, flusher, stop).work(logging_level="WARNING")
    except redis.RedisError as error:
        _log.warning("Redis is away: %s", error)
    finally:
        client.close()
    stop.pause(_START_SECONDS)


def _listen_for_stop(stop: StopRequest) -> None:
    """Between two RQ workers nobody else handles the signals."""

    def request(signum: int, frame: FrameType | None) -> None:
        stop.request()

    signal.signal(signal.SIGTERM, request)
    signal.signal(signal.SIGINT, request)


if __name__ == "__main__":
    sys.exit(main())
