"""The RQ worker: jobs run in this process, so the database connection stays open."""

import logging
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job

from service.lasting import Conditions
from service.writebehind import keys
from worker.flush import Flusher
from worker.stopping import StopRequest
from worker.tasks import current_flusher

#: After this time without a job, a worker checks whether it was suspended, and whether there is work.
_IDLE_S: Final = 1


class FlushWorker(SimpleWorker):
    """Serves a single queue, so RQ takes jobs with BLMOVE, which can't lose one.

    It ends, with `trouble`, when Redis refuses RQ's own bookkeeping. The caller then flushes without RQ.
    """

    #: Longest pause in s between attempts to reach Redis: the lab must drain within 5 s of its return.
    max_connection_wait_time = 1.0

    def __init__(
        self,
        client: redis.Redis,
        flusher: Flusher,
        stop: StopRequest,
        *,
        works: Callable[[], None],
        look: Callable[[], None],
    ) -> None:
        """
        Args:
            works: Called whenever RQ's bookkeeping succeeded.
            look: Called when no job has come for a while: Redis may refuse signals but let workers wait.
        """
        queue = Queue(keys.RQ_QUEUE, connection=client)
        super().__init__([queue], connection=client, log_job_description=False)
        self._flusher = flusher
        self._stop = stop
        self._works = works
        self._look = look
        self.trouble: redis.RedisError | None = None

    def execute_job(self, job: Job, queue: Queue) -> Any:
        token = current_flusher.set(self._flusher)
        try:
            return super().execute_job(job, queue)
        except redis.RedisError as error:
            raise self._ends(error) from error
        finally:
            current_flusher.reset(token)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """The next job. RQ's own method only checks between jobs whether it is suspended or asked to stop."""
        while True:
            try:
                job = super().dequeue_job_and_maintain_ttl(timeout, _IDLE_S)
                self._works()
                if job:
                    return job
                self.check_for_suspension(burst=False)
                self._look()
            except redis.RedisError as error:
                raise self._ends(error) from error
            if self._stop.requested:
                return None

    def teardown(self) -> None:
        try:
            super().teardown()  # type: ignore[no-untyped-call]
        except redis.RedisError:
            # RQ would leave its thread running that listens for commands.
            self.unsubscribe()  # type: ignore[no-untyped-call]
            raise

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stop.on_signal(signum, frame)
        try:
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
        finally:
            # At the second signal, RQ shuts down cold, which also waits.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._stop.on_signal)

    def _ends(self, error: redis.RedisError) -> StopRequested:
        self.trouble = error
        return StopRequested()


class RqLog(logging.Filter):
    """Bounds what RQ logs: while Redis is down, RQ logs a traceback every second."""

    def __init__(self, conditions: Conditions) -> None:
        super().__init__()
        self._conditions = conditions

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("rq."):
            return True
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, redis.RedisError):
            return True
        self._conditions.met(record.msg, f"RQ: {record.getMessage()}" + (f" ({error})" if error else ""))
        return False
