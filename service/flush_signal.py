"""Signals that there is work: an RQ job, not the work itself. A flush signal may be lost; a write may not."""

import logging

import redis
from rq import Queue

from service.lasting import Conditions
from service.writebehind import keys


class FlushSignal:
    """Enqueues flush jobs."""

    def __init__(self, client: redis.Redis) -> None:
        self._queue = Queue(keys.RQ_QUEUE, connection=client)
        self._conditions = Conditions(logging.getLogger(__name__))

    def __call__(self) -> None:
        """Enqueue a flush job. If Redis is down, nothing happens: the worker also looks at the queue
        twice a second."""
        try:
            # The job limits its own time, has no result to keep, and logs its failures in the worker.
            self._queue.enqueue(keys.RQ_FLUSH, job_timeout=-1, result_ttl=0, failure_ttl=60)
        except redis.RedisError as error:
            self._conditions.met("enqueue", f"could not enqueue a flush: {error}")
        else:
            self._conditions.over("enqueue", "flushes can be enqueued again")

    def waiting(self) -> int:
        """How many flush jobs no worker has taken yet."""
        return int(self._queue.count)
