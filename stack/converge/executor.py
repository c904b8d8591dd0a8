"""Work on several services at once, in the order that their dependencies allow."""

import queue
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from stack.spec.events import StackEvent, StackEvents


class Cancelled(Exception):
    """The work was cancelled, because other work failed or the user interrupted."""


class CancelToken:
    """What a task sees of the crew that it works in."""

    def __init__(self, put: Callable[[StackEvent], None]) -> None:
        self.report: Final = put
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def raise_if_cancelled(self) -> None:
        """Raises Cancelled if the work was cancelled; long work asks often."""
        if self._cancelled.is_set():
            raise Cancelled


Task = Callable[[CancelToken], None]


def work(tasks: Mapping[str, Task], after: Mapping[str, Collection[str]]) -> StackEvents:
    """Run every task in a thread once those named in `after` are done; yield what they report.

    The first exception of a task makes the others give up; it is raised when all have ended. So it is when
    the iterator is closed or interrupted: no task runs on after it.
    """
    reports: queue.SimpleQueue[StackEvent | Future[None]] = queue.SimpleQueue()
    token = CancelToken(reports.put)
    waiting = {name: set(after.get(name, ())) & set(tasks) for name in tasks}
    names: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(tasks))) as pool:

        def begin_ready() -> None:
            for name in [name for name, before in waiting.items() if not before]:
                del waiting[name]
                future = pool.submit(tasks[name], token)
                names[future] = name
                future.add_done_callback(reports.put)

        try:
            begin_ready()
            while names:
                report = reports.get()
                if not isinstance(report, Future):
                    yield report
                    continue
                done = names.pop(report)
                report.result()
                for before in waiting.values():
                    before.discard(done)
                begin_ready()
        finally:
            # Leaving the `with` waits for the threads; they end at their next check.
            token.cancel()
