"""What is said about a load that ended: figures, what limited it, and the conclusion."""

from collections.abc import Generator, Sequence
from typing import Final

from scenarios.conclude import established
from scenarios.events import Checked, Event, Measured, Narrated
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import Verdict
from scenarios.load.counters import Counters
from scenarios.load.run import Finished
from scenarios.load.sampling import Increases
from scenarios.scenario import Conclusion

#: The share of the rate asked for from which it counts as reached.
_NEAR: Final = 0.9


def client_side(finished: Finished, writes: Sequence[Write]) -> Generator[Event, None, None]:
    """What the clients saw."""
    counters, latency = finished.counters, finished.percentiles
    acknowledged = sum(write.answer == "acknowledged" for write in writes)
    yield Measured("requests", "requests", counters.requests)
    yield Measured("requests_per_second", "throughput", _rate(counters), "requests/s")
    yield Measured("p50_ms", "latency p50", latency.p50, "ms")
    yield Measured("p95_ms", "latency p95", latency.p95, "ms")
    yield Measured("p99_ms", "latency p99", latency.p99, "ms")
    yield Measured("max_ms", "latency max", latency.max, "ms")
    yield Measured("errors", "errors", counters.errors)
    yield Measured("acknowledged", "writes acknowledged", acknowledged, "writes")


def generator_side(counters: Counters) -> Generator[Event, None, None]:
    """What labctl's own generator has to say of itself."""
    if counters.unsent:
        yield Measured("unsent", "due, but never sent", counters.unsent, "requests")
    yield Measured("generator_busy", "load generator at work", round(100 * counters.busy), "%")
    yield Measured("generator_limited", "load generator was the limit", counters.generator_limited)
    if counters.unsent:
        why = (
            f"the lab did not work all the time, and {counters.errors:,} others failed"
            if counters.errors
            else "more were asked for than could be answered"
        )
        yield Narrated(
            f"{counters.unsent:,} requests were due and found no free connection: {why}. They count in the "
            "latencies with the time that they had waited."
        )
    if counters.generator_limited:
        yield Narrated(
            "The load generator, not the service, was the limit: it was at work "
            f"{100 * counters.busy:.0f} % of the time, and sent {counters.late:,} requests late. The service "
            "may be faster than these figures.",
            "matters",
        )


def service_side(increases: Increases, seconds: float, *, quiet: bool) -> Generator[Event, None, None]:
    """What the service made of it.

    Args:
        seconds: From the load's beginning until everything was flushed.
    """
    accepted, rows = increases.of("accepted"), increases.of("rows_written")
    coalesced = increases.of("coalesced")
    yield Measured("coalesced", "coalesced", coalesced, "writes")
    yield Measured("coalesced_share", "share of writes coalesced", _percent(coalesced, accepted), "%")
    yield Measured("rows_written", "database writes", rows, "rows")
    yield Measured("flush_rate", "database writes, on average", round(rows / seconds, 1), "rows/s")
    if increases.restarted:
        yield Narrated("Redis lost its memory under the load, and its counts with it: some are missing here.")
    if quiet and coalesced and rows:
        yield Narrated(
            f"{accepted:,} acknowledged writes cost PostgreSQL {rows:,} rows: {accepted / rows:,.1f} a row.",
            "matters",
        )


def conclude(
    verdict: Verdict, finished: Finished, *, reads: bool, also: Sequence[Checked] = ()
) -> Generator[Event, None, Conclusion]:
    """The checks, and how the load ended. `also`: what else was predicted, and measured."""
    lost, pending, dead = (verdict.fates[fate] for fate in ("lost", "pending", "dead_lettered"))
    stale = finished.counters.stale_reads
    checks = [
        Checked(claim, f"0 {word}", _counted(verdict, count, word), established(verdict, passed=count == 0))
        for claim, count, word in (
            ("no acknowledged write is lost", lost, "lost"),
            ("none is set aside", dead, "dead-lettered"),
            ("none is left waiting", pending, "pending"),
        )
    ]
    if reads:
        checks.append(Checked("clients read their own writes", "0 stale", f"{stale:,} stale", stale == 0))
    yield from [*checks, *also]
    broken = [*_wrongs(lost=lost, dead=dead, pending=pending, stale=stale if reads else 0), *_missed(also)]
    if verdict.validity == "invalid" or lost or dead or (reads and stale) or _missed(also):
        return Conclusion("unexpected", "; ".join([*broken, *verdict.reasons]))
    if verdict.validity == "unknown" or pending:
        return Conclusion("inconclusive", "; ".join([*broken, *verdict.reasons]))
    return Conclusion("expected", _summary(verdict, finished))


def _counted(verdict: Verdict, count: int, word: str) -> str:
    unclear = verdict.fates["undetermined"]
    return f"{count:,} {word}" + (f", and {unclear:,} that can't be told" if unclear else "")


def _wrongs(*, lost: int, dead: int, pending: int, stale: int) -> list[str]:
    counted = (
        (lost, "acknowledged write is lost", "acknowledged writes are lost"),
        (dead, "acknowledged write is a dead letter", "acknowledged writes are dead letters"),
        (pending, "acknowledged write still waits", "acknowledged writes still wait"),
        (stale, "read was older than the client's own write", "reads were older than the client's own write"),
    )
    return [f"{count:,} {one if count == 1 else many}" for count, one, many in counted if count]


def _missed(checks: Sequence[Checked]) -> list[str]:
    return [
        f"{check.claim} should be {check.expected}, and was {check.actual}"
        for check in checks
        if check.passed is False
    ]


def _summary(verdict: Verdict, finished: Finished) -> str:
    return (
        f"{_throughput(finished)}, p99 {finished.percentiles.p99:,.1f} ms; all "
        f"{verdict.acknowledged:,} acknowledged writes are in PostgreSQL or replaced by newer ones."
    )


def _throughput(finished: Finished) -> str:
    """What was reached, beside what was asked for where that was missed."""
    counters, plan = finished.counters, finished.plan
    reached = _rate(counters)
    # The mean over the ramps, which the rate itself is not.
    due = (counters.requests + counters.unsent) / plan.pace.shape.duration
    if plan.rate is None or reached >= _NEAR * due:
        return f"{reached:,.0f} requests/s"
    return f"Asked for {plan.rate:,.6g} requests/s, reached {reached:,.0f}"


def _rate(counters: Counters) -> float:
    """Requests a second, to a tenth, so that all who show it round the same figure."""
    return round(counters.requests / counters.elapsed, 1) if counters.elapsed else 0.0


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
