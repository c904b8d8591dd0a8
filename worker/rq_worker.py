"""The RQ worker: jobs run in this process, so that the database connection stays warm."""

from types import FrameType
from typing import Any

import redis
from rq import Queue, SimpleWorker
from rq.job import Job

from service.writebehind import keys
from worker.flush import Flusher
from worker.stopping import StopRequest
from worker.tasks import current_flusher


class FlushWorker(SimpleWorker):
    """Serves the one queue, so that RQ takes jobs with BLMOVE, which can't lose one."""

    #: s between attempts to reach Redis, at most: the lab must drain within 5 s of its return.
    max_connection_wait_time = 1.0

    def __init__(self, client: redis.Redis, flusher: Flusher, stop: StopRequest) -> None:
        queue = Queue(keys.RQ_QUEUE, connection=client)
        super().__init__([queue], connection=client, log_job_description=False)
        self._flusher = flusher
        self._stop = stop

    def execute_job(self, job: Job, queue: Queue) -> Any:
        token = current_flusher.set(self._flusher)
        try:
            return super().execute_job(job, queue)
        finally:
            current_flusher.reset(token)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stop.request()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
