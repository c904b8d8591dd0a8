"""Work on several things at once, in the order that their dependencies allow."""

import queue
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import Final

from stack.spec.events import StackEvent, StackEvents


class Cancelled(Exception):
    """The work was cancelled, because other work failed or the user interrupted."""


class CancelToken:
    """What a task sees of the work that it is a part of."""

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
#: Work of the thread that consumes the events: an interruption reaches it wherever it is.
InlineTask = Callable[[], StackEvents]
_NONE: Final[Mapping[str, InlineTask]] = MappingProxyType({})


def work(
    tasks: Mapping[str, Task],
    after: Mapping[str, Collection[str]],
    inline: Mapping[str, InlineTask] = _NONE,
) -> StackEvents:
    """Run every task once those named in `after` are done; yield what they report.

    The first exception of a task makes the others give up; it is raised when all have ended. So it is when
    the iterator is closed or interrupted: no task runs on after it.

    Args:
        tasks: What runs in threads, at the same time where it can.
        after: Names of the tasks that each waits for; names that are not tasks do not count.
        inline: What runs one after the other, in the thread that consumes the events.
    """
    reports: queue.SimpleQueue[StackEvent | Future[None]] = queue.SimpleQueue()
    token = CancelToken(reports.put)
    everything = {*tasks, *inline}
    sorter = TopologicalSorter(
        {name: [each for each in after.get(name, ()) if each in everything] for name in (*inline, *tasks)}
    )
    sorter.prepare()
    names: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(tasks))) as pool:

        def begin_ready() -> StackEvents:
            while ready := sorter.get_ready():
                for name in ready:
                    if name in inline:
                        yield from inline[name]()
                        sorter.done(name)
                        continue
                    future = pool.submit(tasks[name], token)
                    names[future] = name
                    future.add_done_callback(reports.put)

        try:
            yield from begin_ready()
            while names:
                report = reports.get()
                if not isinstance(report, Future):
                    yield report
                    continue
                report.result()
                sorter.done(names.pop(report))
                yield from begin_ready()
        finally:
            # Leaving the `with` waits for the threads; they end at their next check.
            token.cancel()
