"""Journals of scripted loads, for tests of figures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from scenarios.events import Event
from scenarios.figures.run_figures import RunFigures, run_figures
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History, Sighting, Sightings
from scenarios.judge.ledger import Write
from tests.journals import ENVIRONMENT, journal_of
from tests.unit.scenarios.histories import WIDGET, row

RATE = 20


def written(seconds: int, latency_ms: Callable[[float], float], *, group: str = "hold") -> list[Write]:
    """Updates of distinct products, `RATE` a second, answered after `latency_ms` of the time of sending."""
    writes = []
    for n in range(seconds * RATE):
        at = n / RATE
        took = latency_ms(at) / 1000
        writes.append(
            Write(
                product=f"p{n}",
                operation="update",
                value=WIDGET,
                answer="acknowledged",
                version=n + 1,
                sent_at=at,
                finished_at=at + took,
                latency_ms=1000 * took,
                group=group,
            )
        )
    return writes


def noisy(seed: int, around_ms: float) -> Callable[[float], float]:
    """Latencies that vary by a fifth, at random."""
    random = Random(seed)
    return lambda at: around_ms * random.uniform(0.8, 1.2)


def figures_of(
    folder: Path,
    writes: Sequence[Write],
    *,
    lost: int = 0,
    lag_s: float | None = None,
    events: Sequence[Event] = (),
    lines: Sequence[Any] = (),
    read: bool = True,
    **environment: Any,
) -> RunFigures:
    """The figures of a run with these writes.

    Args:
        lost: So many of the last acknowledged ones are in no row.
        lag_s: After how long each row was seen; None: none was.
        read: Whether PostgreSQL and Redis were read in the end.
    """
    kept = [write for write in writes if write.answer == "acknowledged"]
    saved = kept[: len(kept) - lost]
    rows = {str(write.product): row(write.version or 0) for write in saved}
    journal = journal_of(
        folder,
        History(writes=writes, sightings=_sightings(saved, lag_s)),
        Findings(rows=rows) if read else None,
        events=events,
        lines=lines,
        environment=msgspec.structs.replace(ENVIRONMENT, **environment),
        close=read,
    )
    return run_figures(journal)


def _sightings(writes: Sequence[Write], lag_s: float | None) -> Sightings:
    if lag_s is None:
        return Sightings(polls=[], seen={})
    seen = {
        str(write.product): [
            Sighting(version=write.version or 0, at=write.finished_at + lag_s, poll=n, asked=n)
        ]
        for n, write in enumerate(writes)
    }
    return Sightings(polls=[write.finished_at for write in writes], seen=seen)
