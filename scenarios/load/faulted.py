"""The conclusion of a load with faults: its loss is the result, and not a failure."""

from collections.abc import Callable, Generator

from scenarios.events import Checked, Event, Narrated
from scenarios.faults import outcome
from scenarios.faults.outcome import Faulted
from scenarios.faults.prediction import Tally
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.load import limits
from scenarios.load.run import Finished
from scenarios.scenario import Conclusion


def recorder(run: Run, tally: Tally) -> Callable[[Write], None]:
    """Enters a write into the ledger, and counts it for the predictions."""

    def record(write: Write) -> None:
        run.ledger.record(write)
        tally.record(write)

    return record


def conclude(
    verdict: Verdict, finished: Finished, faulted: Faulted, *, reads: bool
) -> Generator[Event, None, Conclusion]:
    """The checks, and how the load ended.

    Args:
        reads: Whether the load included reads.
    """
    most = yield from outcome.report(faulted, verdict)
    checks = outcome.check(faulted, verdict, most)
    stale = finished.counters.stale_reads
    if reads and not faulted.hides_writes:
        checks.append(Checked("clients read their own writes", "0 stale", f"{stale:,} stale", stale == 0))
    yield from checks
    if stale and faulted.hides_writes:
        fate = "lost" if faulted.crashes() else "set aside, and put back later"
        yield Narrated(f"{stale:,} reads were older than the client's own write, which was {fate}.")
    reached = limits.in_short(finished) or f"{finished.counters.rate:,.0f} requests/s"
    return outcome.conclude(faulted, verdict, checks, reached)
