"""The jobs that RQ runs, by name."""

from contextvars import ContextVar

from rq import get_current_job

from worker.flush import Flusher

#: The flusher of the worker that runs the job: it keeps its database connection from job to job.
current_flusher: ContextVar[Flusher] = ContextVar("current_flusher")


def flush() -> int:
    """Drain the write-behind queue; return how many entries were handled.

    Raises:
        LookupError: it was run by a plain `rq worker`; start the worker with `python -m worker`.
    """
    job = get_current_job()
    return current_flusher.get().attempt(job.id if job else None)
