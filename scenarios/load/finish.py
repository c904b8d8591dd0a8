"""How every load ends: the queue empties, and each acknowledged write is judged."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from scenarios.conclude import reach_verdict, settle
from scenarios.events import Checked, Narrated
from scenarios.faults.outcome import Faulted
from scenarios.lab.context import Run
from scenarios.load import report
from scenarios.load.faulted import conclude as conclude_faulted
from scenarios.load.run import Finished
from scenarios.load.sampling import Increases
from scenarios.scenario import Conclusion, Play, Step
from scenarios.shell_commands import curl, psql

#: How long the worker may take to flush what the load left in the queue.
_FLUSH_TIMEOUT_S: Final = 60.0
#: The steps of `end`.
STEPS_AT_THE_END: Final = 2


def end(
    run: Run,
    finished: Finished,
    *,
    started_at: float,
    label: str,
    reads: bool,
    checks: Sequence[Checked] = (),
    faulted: Faulted | None = None,
) -> Play[Conclusion]:
    """The last two steps of a load: flush, and judge.

    Args:
        started_at: time.monotonic() when the load began.
        label: What the products' names begin with.
        reads: Whether the load included reads.
        checks: What else was predicted, and measured.
        faulted: The faults that were injected meanwhile; None: none were to be.
    """
    yield Step("Wait until everything is flushed", curl("GET", f"{run.api_url}/admin/queue"))
    settled = yield from settle(run, _FLUSH_TIMEOUT_S)
    finished.sampler.look()
    yield from report.service_side(finished.increases, time.monotonic() - started_at, quiet=settled.quiet)

    query = f"SELECT count(*), max(updated_at) FROM products WHERE name LIKE '{label}-%';"
    yield Step("The verdict", psql(run.lab.urls()["postgres"], query))
    if _all_written_through(finished.increases):
        yield Narrated("PostgreSQL had every write before it was acknowledged: there is no persist lag.")
        verdict = yield from reach_verdict(run, settled)
    else:
        verdict = yield from reach_verdict(run, settled, lag_of=lambda write: True)
    if faulted is None:
        conclusion = yield from report.conclude(verdict, finished, reads=reads, also=checks)
    else:
        conclusion = yield from conclude_faulted(verdict, finished, faulted, reads=reads)
    if finished.ended_early is None:
        return conclusion
    early = f"Ended early after {finished.ended_early:.0f} s by Ctrl-C. {conclusion.text}"
    return replace(conclusion, text=early)


def _all_written_through(increases: Increases) -> bool:
    return increases.of("written_through") > 0 and not increases.of("accepted")
