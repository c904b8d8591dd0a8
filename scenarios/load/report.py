"""What is reported about a load that ended: figures, what limited it, and the conclusion."""

from collections.abc import Generator, Sequence
from typing import Final

from scenarios.conclude import established
from scenarios.events import Checked, Event, Measured, Narrated
from scenarios.judge.verdict import Verdict
from scenarios.load import limits, phase_report
from scenarios.load.counters import Counters
from scenarios.load.latencies import Kind, Latencies
from scenarios.load.moments import in_phase
from scenarios.load.run import Finished
from scenarios.load.sampling import Increases
from scenarios.scenario import Conclusion

#: A rate counts as reached from this share of it.
_REACHED_SHARE: Final = 0.9


def client_side(finished: Finished, acknowledged: int) -> Generator[Event, None, None]:
    """What the clients saw: writes and reads apart, and the hold apart from ramps and outages."""
    counters = finished.counters
    yield Measured("requests", "requests", counters.requests)
    yield Measured("requests_per_second", "throughput", counters.rate, "requests/s")
    hold = in_phase(finished.sampler.moments, "hold")
    yield from _of_kind(finished.latencies, "write", hold.writes - hold.write_errors, hold.seconds)
    yield from _of_kind(finished.latencies, "read", hold.reads - hold.read_errors, hold.seconds)
    yield Measured("errors", "errors", counters.errors)
    if counters.errors and counters.reads:
        yield Measured("write_errors", "of them writes", counters.write_errors)
        yield Measured("read_errors", "of them reads", counters.read_errors)
    if counters.reads:
        yield Measured("reads", "reads", counters.reads, "reads")
        yield Measured("stale_reads", "of them stale", counters.stale_reads, "reads")
    yield Measured("acknowledged", "writes acknowledged", acknowledged, "writes")
    yield from phase_report.report(finished.latencies, finished.sampler.moments)


def _of_kind(latencies: Latencies, kind: Kind, count: int, seconds: float) -> Generator[Event, None, None]:
    """The figures of writes, or of reads, in the hold.

    Args:
        count: How many succeeded.
        seconds: How long the hold was.
    """
    # A load may be nothing but an outage. No figure is better than one of other requests.
    latency = latencies.percentiles(kind, "hold")
    if not latency.count:
        return
    prefix = "" if kind == "write" else "read_"
    if seconds > 0:
        yield Measured(
            f"{kind}s_per_second", f"{kind}s, in the hold", round(count / seconds, 1), f"{kind}s/s"
        )
    for name, value in (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99)):
        yield Measured(f"{prefix}{name}_ms", f"{kind} latency {name}", value, "ms")
    yield Measured(f"{prefix}max_ms", f"{kind} latency max", latency.max, "ms")


def generator_side(counters: Counters) -> Generator[Event, None, None]:
    """How labctl's own generator kept up."""
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
            f"{counters.unsent:,} requests were due and found no free connection: {why}. The "
            "latencies include them, with the time that they had waited."
        )
    if counters.generator_limited:
        yield Narrated(
            "The load generator, not the service, was the limit: it was at work "
            f"{100 * counters.busy:.0f} % of the time, and sent {counters.late:,} requests late. The service "
            "may be faster than these figures.",
            "matters",
        )


def service_side(increases: Increases, seconds: float, *, quiet: bool) -> Generator[Event, None, None]:
    """What the service did with the writes.

    Args:
        seconds: From the load's beginning until everything was flushed.
    """
    accepted, through = increases.of("accepted"), increases.of("written_through")
    rows, coalesced = increases.rows, increases.of("coalesced")
    yield Measured("coalesced", "coalesced", coalesced, "writes")
    yield Measured("coalesced_share", "share of writes coalesced", _percent(coalesced, accepted), "%")
    yield Measured("rows_written", "database writes", rows, "rows")
    if through:
        yield Measured("written_through", "written before the answer", through, "rows")
    yield Measured("flush_rate", "database writes, on average", round(rows / seconds, 1), "rows/s")
    if increases.restarted:
        yield Narrated(
            "Redis lost its memory under the load, and with it its counters: some counts are missing here."
        )
    if quiet and coalesced and rows > through:
        flushed = rows - through
        yield Narrated(
            f"{accepted:,} acknowledged writes became {flushed:,} row writes: "
            f"{accepted / flushed:,.1f} per row.",
            "matters",
        )


def conclude(
    verdict: Verdict, finished: Finished, *, reads: bool, also: Sequence[Checked] = ()
) -> Generator[Event, None, Conclusion]:
    """The checks, and how the load ended.

    Args:
        reads: Whether the load included reads.
        also: What else was predicted, and measured.
    """
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
    undetermined = verdict.fates["undetermined"]
    return f"{count:,} {word}" + (f", and {undetermined:,} undetermined" if undetermined else "")


def _wrongs(*, lost: int, dead: int, pending: int, stale: int) -> list[str]:
    counted = (
        (lost, "acknowledged write is lost", "acknowledged writes are lost"),
        (dead, "acknowledged write is a dead letter", "acknowledged writes are dead letters"),
        (pending, "acknowledged write is still waiting", "acknowledged writes are still waiting"),
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
    writes, every = finished.latencies.percentiles("write", "hold"), finished.latencies.percentiles()
    p99 = f"p99 of writes {writes.p99:,.1f} ms" if writes.count else f"p99 {every.p99:,.1f} ms"
    return (
        f"{_throughput(finished)}, {p99}; all {verdict.acknowledged:,} acknowledged writes are in PostgreSQL "
        "or replaced by newer ones."
    )


def _throughput(finished: Finished) -> str:
    """The rate that was reached, and the rate that was asked for if that was missed."""
    counters, plan = finished.counters, finished.plan
    reached = counters.rate
    # The mean over the whole load, ramps included.
    due = (counters.requests + counters.unsent) / plan.pace.shape.duration
    beyond = limits.in_short(finished)
    if beyond:
        return beyond
    if plan.rate is None or reached >= _REACHED_SHARE * due:
        return f"{reached:,.0f} requests/s"
    return f"Asked for {plan.rate:,.6g} requests/s, reached {reached:,.0f}"


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
