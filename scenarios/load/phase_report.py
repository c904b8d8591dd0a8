"""A load's figures phase by phase, and how its latencies are distributed."""

from collections.abc import Generator, Iterator, Sequence
from typing import Final

from scenarios.events import Distributed, Event, TableShown
from scenarios.load.latencies import KINDS, Kind, Latencies
from scenarios.load.moments import Moment, in_phase
from scenarios.load.phases import PHASES, Phase

_COLUMNS: Final = ("phase", "", "requests", "per s", "p50, ms", "p99, ms", "max, ms", "errors")


def report(latencies: Latencies, moments: Sequence[Moment]) -> Generator[Event, None, None]:
    """A table, if there was more than one phase; then each distribution."""
    timed = [
        (kind, phase)
        for phase in PHASES
        for kind in KINDS
        if latencies.percentiles(kind, phase).count or _requests(moments, kind, phase)
    ]
    if len({phase for _, phase in timed}) > 1:
        rows = tuple(_row(latencies, moments, kind, phase) for kind, phase in timed)
        yield TableShown("load_phases", "Phase by phase", _COLUMNS, rows)
    yield from _distributions(latencies, timed)


def _distributions(latencies: Latencies, timed: Sequence[tuple[Kind, Phase]]) -> Iterator[Distributed]:
    for kind, phase in timed:
        buckets = latencies.distribution(kind, phase)
        if buckets:
            yield Distributed(f"{kind}_latency_{phase}", f"latency of {kind}s, {phase}", "ms", buckets)


def _requests(moments: Sequence[Moment], kind: Kind, phase: Phase) -> int:
    amount = in_phase(moments, phase)
    return amount.writes if kind == "write" else amount.reads


def _row(latencies: Latencies, moments: Sequence[Moment], kind: Kind, phase: Phase) -> tuple[str, ...]:
    amount, latency = in_phase(moments, phase), latencies.percentiles(kind, phase)
    count = amount.writes if kind == "write" else amount.reads
    errors = amount.write_errors if kind == "write" else amount.read_errors
    timed = (latency.p50, latency.p99, latency.max) if latency.count else ()
    return (
        phase,
        f"{kind}s",
        f"{count:,}",
        f"{count / amount.seconds:,.0f}" if amount.seconds else "",
        *(f"{ms:,.1f}" for ms in timed),
        *[""] * (3 - len(timed)),
        f"{errors:,}",
    )
