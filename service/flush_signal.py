"""Signals that there is work: an RQ job, not the work itself."""

import logging

import redis
from rq import Queue

from service.writebehind import keys

_log = logging.getLogger(__name__)


class FlushSignal:
    """Enqueues flush jobs."""

    def __init__(self, client: redis.Redis) -> None:
        self._queue = Queue(keys.RQ_QUEUE, connection=client)

    def __call__(self) -> None:
        """Enqueue a flush job. Without Redis nothing happens: the worker's own look at the queue, twice
        a second, makes up for a signal that was lost."""
        try:
            # The job limits itself; nobody wants its result, and a failure is in the worker's log.
            self._queue.enqueue(keys.RQ_FLUSH, job_timeout=-1, result_ttl=0, failure_ttl=60)
        except redis.RedisError as error:
            _log.warning("could not enqueue a flush: %s", error)

    def waiting(self) -> int:
        """Flush jobs that no worker has taken yet."""
        return int(self._queue.count)
