"""Runs to report on, as their journals tell them."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from labctl.reports.run_report import RunReport, read_report
from scenarios.events import (
    Checked,
    Event,
    FaultInjected,
    Measured,
    Narrated,
    Proof,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    TableShown,
    VerdictReached,
)
from scenarios.journal.lines import AnyLine, EventLine, SampleLine
from scenarios.journal.reader import open_journal
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History, MemoryLoss, Sighting, Sightings
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import judge
from stack.spec.events import ServiceChanged
from tests.journals import write_journal
from tests.unit.scenarios.histories import acknowledged, refused, row, unknown, value

COMMAND = 'curl -s -X POST http://127.0.0.1:8000/products \\\n  -d \'{"name": "AtRisk-1"}\''


#: One of its checks fails.
ENDED = ScenarioFinished("data-loss", "unexpected", "one of the saved ones is lost", 1.5)


def samples(count: int = 8, every: float = 0.25) -> list[SampleLine]:
    """A queue that fills and is emptied."""
    return [
        SampleLine(
            at=number * every,
            queue=min(number, count - number),
            inflight=0,
            retrying=0,
            dead_letters=0,
            accepted=10 * number,
            coalesced=4 * number,
            persisted=6 * number,
        )
        for number in range(count)
    ]


def fault(*, bit: bool | None = True, name: str = "redis:kill") -> EventLine:
    """The event of a fault, with its receipt."""
    event = FaultInjected(
        name,
        1.0,
        (Proof("pid", "4711", "none"), Proof("queue", "5", "0")),
        bit,
        "" if bit else "it never stopped",
    )
    return EventLine(at=1.0, name="FaultInjected", event=msgspec.to_builtins(event))


def story(*names: str, lost: int = 2) -> tuple[History, Findings]:
    """One persisted write, one refused, one without an answer, and lost ones of these names."""
    labels = [*names, *(f"WillBeLost-{number}" for number in range(len(names), lost))]
    gone = [
        acknowledged(f"gone-{n}", 20 + n, value(label), group="at risk", at=(0.8, 0.81 + n / 1e6))
        for n, label in enumerate(labels)
    ]
    writes: list[Write] = [
        acknowledged("kept", 11, value("Kept"), at=(0.1, 0.104)),
        *gone,
        refused("no"),
        unknown("maybe", value("Maybe"), at=(0.4, 0.5)),
    ]
    history = History(
        writes=writes,
        sightings=Sightings(
            polls=[0.5, 0.9, 2.5],
            seen={"kept": [Sighting(version=11, at=0.6, poll=0, asked=0)]},
            waiting={write.product: 1 for write in gone if write.product},
        ),
        losses=(
            MemoryLoss(last_seen_at=0.95, gone_at=1.0, changed_at=1.05, old_epoch=1, new_epoch=10_000_000),
        ),
    )
    return history, Findings(rows={"kept": row(11, value("Kept"))}, since=10)


def events(title: str = "Data loss") -> list[Event]:
    """What such a run tells."""
    return [
        ScenarioStarted("data-loss", title, "What Redis alone holds is lost.", 2),
        StepStarted(1, "Some products", COMMAND),
        Narrated("They were acknowledged."),
        ServiceChanged("worker", "stopped"),
        Measured("queue_size", "queue size", 5, "writes"),
        StepStarted(2, "Redis dies"),
        Narrated("Nobody else knows them.", "matters"),
        ServiceChanged("worker", "healthy", "0.4 s"),
        TableShown("gone", "What is gone", ("product", ""), (("gone-0", "lost"),)),
        Checked("exactly the queued writes are lost", "2 lost", "2 lost", True),
        Checked("none of the saved ones is lost", "0 lost", "1 lost", False),
        Checked("none is stale", "0 stale", "not read", None),
    ]


def report_of(
    folder: Path,
    *names: str,
    lost: int = 2,
    title: str = "Data loss",
    lines: Sequence[AnyLine] = (),
    ended: bool = True,
) -> RunReport:
    """The report of a run.

    Args:
        names: Of lost writes; the others have names of their own.
        lines: Noted among the others.
        ended: Whether the run came to its end.
    """
    return read_report(
        open_journal(journal(folder, *names, lost=lost, title=title, lines=lines, ended=ended))
    )


def journal(
    folder: Path,
    *names: str,
    lost: int = 2,
    title: str = "Data loss",
    lines: Sequence[AnyLine] = (),
    ended: bool = True,
) -> Path:
    """The journal of the same run."""
    history, found = story(*names, lost=lost)
    end: list[Event] = [VerdictReached(judge(history, found)), ENDED] if ended else []
    return write_journal(
        folder,
        history,
        found if ended else None,
        events=[*events(title), *end],
        lines=[*samples(), *lines],
        close=ended,
    )
