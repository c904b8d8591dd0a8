"""How every load ends: the queue runs empty, and each acknowledged write is judged."""

import time
from collections.abc import Generator, Sequence
from typing import Final

from scenarios.conclude import reach_verdict, settle
from scenarios.events import Checked, Event, StepStarted
from scenarios.lab.context import Run
from scenarios.load import report
from scenarios.load.run import Finished
from scenarios.scenario import Conclusion
from scenarios.shell_commands import curl, psql

#: s that the worker gets for what the load left in the queue.
_QUIET_SECONDS: Final = 60.0


def end(
    run: Run, finished: Finished, *, begun: float, label: str, reads: bool, checks: Sequence[Checked] = ()
) -> Generator[Event, None, Conclusion]:
    """Steps 2 and 3 of a load.

    Args:
        begun: time.monotonic() of its beginning.
        label: What the products' names begin with.
        reads: Whether there were reads among it.
        checks: What else was predicted of it.
    """
    yield StepStarted(2, "Wait until everything is flushed", curl("GET", f"{run.api_url}/admin/queue"))
    settled = yield from settle(run, _QUIET_SECONDS)
    finished.sampler.look()
    yield from report.service_side(finished.increases, time.monotonic() - begun, quiet=settled.quiet)

    query = f"SELECT count(*), max(updated_at) FROM products WHERE name LIKE '{label}-%';"
    yield StepStarted(3, "The verdict", psql(run.lab.urls()["postgres"], query))
    verdict = yield from reach_verdict(run, settled, lag_of=lambda write: True)
    return (yield from report.conclude(verdict, finished, reads=reads, also=checks))
