"""`python -m worker`: an RQ worker that flushes, with the settings of the environment."""

import logging
import os
import random
import signal
import sys
from contextlib import suppress
from typing import Final

import redis
from redis.exceptions import ConnectionError, OutOfMemoryError, TimeoutError  # noqa: A004 - the library's names
from rq.suspension import WORKERS_SUSPENDED

from service.lasting import Conditions
from service.telemetry.logs import configure_logging
from service.telemetry.traced import TracedFlushSignal, TracedScripts, TracedStore
from service.telemetry.tracing import Tracing, current_trace_id
from service.writebehind.connections import Manners
from service.writebehind.errors import InvalidSettings, WriteBehindError
from service.writebehind.settings import Settings
from worker.blockers import Blockers
from worker.condition import Condition
from worker.flush import Flusher
from worker.hold_ups import HoldUps
from worker.metrics import WorkerMetrics
from worker.metrics_server import MetricsServer
from worker.rq_worker import FlushWorker, RqLog
from worker.stopping import StopRequest
from worker.traced import TracedBuffer, TracedMeasuredBuffer, TracedMeasuredStore
from worker.traces import FlushTraces
from worker.watch import Watch, worker_name

_log = logging.getLogger("worker")

#: Time between attempts to start while Redis is down.
_START_S: Final = 0.25
#: Longer than RQ waits for a job.
_RQ_ANSWER_TIMEOUT_S: Final = 5.0
#: A batch may take longer than a request's statement, which someone waits for.
MANNERS: Final = Manners(application="write-behind worker", lock_ms=1_000, statement_ms=10_000)


def main() -> int:
    try:
        settings = Settings.from_env()
    except InvalidSettings as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    configure_logging(settings)
    Worker(settings, StopRequest()).serve()
    return 0


class Worker:
    """One worker process: its parts, and the loop that keeps RQ running, or flushes without it."""

    def __init__(self, settings: Settings, stop: StopRequest) -> None:
        self._settings = settings
        self._stop = stop
        self._tracing = Tracing(settings)
        self._scripts = TracedScripts(settings.redis_url)
        self._condition = Condition()
        metrics = WorkerMetrics(
            lambda: self._condition.report, lambda: self._condition.note[1], current_trace_id
        )
        self._metrics = metrics if settings.metrics_enabled else None
        self._buffer = (
            TracedMeasuredBuffer(self._scripts, metrics) if self._metrics else TracedBuffer(self._scripts)
        )
        self._store = (
            TracedMeasuredStore(settings.database_url, MANNERS, metrics, stop_fd=stop.fd)
            if self._metrics
            else TracedStore(settings.database_url, MANNERS, stop_fd=stop.fd)
        )
        self._conditions = Conditions(_log)
        flush_signal = TracedFlushSignal(self._scripts.client)
        self._metrics_server: MetricsServer | None = None
        self._flusher = Flusher(
            self._buffer,
            self._store,
            settings,
            stop,
            signal_flush=flush_signal,
            chance=random.Random(),
            condition=self._condition,
            conditions=self._conditions,
            observer=self._metrics,
            traces=FlushTraces(self._tracing, worker_name()),
        )
        self._watch = Watch(
            self._scripts.client,
            self._buffer,
            self._flusher,
            flush_signal,
            settings,
            stop,
            condition=self._condition,
            conditions=self._conditions,
            measured=self._measured,
        )
        self._hold_ups = HoldUps(
            self._condition, Blockers(settings.database_url), self._store.connections.backend_pids
        )

    def serve(self) -> None:
        """Flush until a stop is requested, whatever happens to Redis and PostgreSQL meanwhile."""
        for handler in logging.getLogger().handlers:
            handler.addFilter(RqLog(self._conditions))
        self._stop.enforce()
        if self._metrics:
            self._metrics_server = MetricsServer(
                self._metrics.registry, self._settings.api_host, self._settings.metrics_port
            )
        self._watch.start()
        self._hold_ups.start()
        self._tracing.prepare()
        _log.info("the worker runs as process %d", os.getpid())
        try:
            while not self._stop.requested:
                # Between two RQ workers, nothing else handles the signals.
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, self._stop.on_signal)
                self._work()
        finally:
            _log.info("the worker ends")
            self._hold_ups.end()
            self._watch.end()
            self._flusher.close()
            self._store.close()
            self._scripts.close()
            self._tracing.close()
            if self._metrics_server:
                self._metrics_server.close()

    def _work(self) -> None:
        """Run one RQ worker. It ends when Redis answers late, breaks off, or refuses RQ's bookkeeping. Then
        due entries are flushed without it, and the next one begins."""
        # RQ waits for jobs longer than any answer takes, so it has its own connection.
        client = redis.Redis.from_url(
            self._settings.redis_url, socket_connect_timeout=1.0, socket_timeout=_RQ_ANSWER_TIMEOUT_S
        )
        trouble: redis.RedisError | None = None
        try:
            rq = FlushWorker(
                client, self._flusher, self._stop, works=self._rq_works, look=self._flush_what_waits
            )
            rq.work(logging_level="WARNING")
            trouble = rq.trouble
        except redis.RedisError as error:
            trouble = error
        finally:
            client.close()
        if not self._stop.requested:
            self._do_without(trouble)
            self._stop.pause(_START_S)

    def _measured(self) -> dict[str, object]:
        """What the worker publishes of its metrics."""
        if not (self._metrics and self._metrics_server):
            return {}
        # The flusher only looks while there is something to flush.
        live = self._buffer.live_settings(self._settings)
        self._metrics.simulates_failures = live.simulate_db_failure
        return {
            "metrics_port": self._metrics_server.port,
            "done": self._metrics.done(),
            "lag_ms": self._metrics.recent_lags.percentiles_ms(),
        }

    def _rq_works(self) -> None:
        self._condition.note = ("", "")
        self._conditions.over("rq", "RQ works again")

    def _do_without(self, trouble: redis.RedisError | None) -> None:
        sentence, code = _explain(trouble)
        self._condition.note = (sentence, code)
        self._conditions.met("rq", sentence)
        self._flush_what_waits()

    def _flush_what_waits(self) -> None:
        """Flush entries for which no job was enqueued, or whose job can't be taken."""
        # If Redis is down altogether, all that can be done is to try again.
        with suppress(redis.RedisError, WriteBehindError):
            suspended = bool(self._scripts.client.exists(WORKERS_SUSPENDED))
            if not suspended and self._buffer.has_work(self._settings):
                self._flusher.attempt()


def _explain(trouble: redis.RedisError | None) -> tuple[str, str]:
    """Why RQ does not run: a sentence, and a short word for it."""
    match trouble:
        case OutOfMemoryError():
            return "Redis is full: RQ can't keep its books, and flushing goes on without it", "full"
        case ConnectionError() | TimeoutError():
            return f"Redis is away: {trouble}", "away"
        case None:
            return "RQ ended unexpectedly, and flushing goes on without it", "rq"
        case _:
            return f"RQ can't work, and flushing goes on without it: {trouble}", "rq"


if __name__ == "__main__":
    sys.exit(main())
